"""Stopping work from outside: it ends at its next await, and only that work."""

from __future__ import annotations

import asyncio

import pytest

from gateway.live import LiveRuns, Stop, Stopped


async def test_the_work_ends_where_it_waits() -> None:
    with pytest.raises(Stopped) as caught:  # noqa: PT012, SIM117 - the scope is what raises
        with Stop() as stop:
            asyncio.get_running_loop().call_soon(stop, "cancelled")
            await asyncio.Event().wait()
    assert caught.value.cause == "cancelled"
    await asyncio.sleep(0)  # the task itself is not cancelled any more


async def test_only_the_first_cause_counts() -> None:
    with pytest.raises(Stopped) as caught:  # noqa: PT012, SIM117
        with Stop() as stop:
            asyncio.get_running_loop().call_soon(stop, "disconnected")
            asyncio.get_running_loop().call_soon(stop, "cancelled")
            await asyncio.Event().wait()
    assert caught.value.cause == "disconnected"


async def test_a_stop_after_the_work_ended_does_nothing() -> None:
    with Stop() as stop:
        pass
    stop("cancelled")
    await asyncio.sleep(0)


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    waiting = asyncio.Event()

    async def work() -> None:
        with Stop():
            waiting.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_work_itself_comes_through() -> None:
    with pytest.raises(KeyError), Stop():
        raise KeyError("x")


async def test_a_run_is_found_by_its_tenant_and_id_while_it_is_going() -> None:
    live = LiveRuns()
    with pytest.raises(Stopped):  # noqa: PT012, SIM117
        with Stop() as stop:
            live.add("a", "run_1", stop)
            assert not live.cancel("b", "run_1")
            assert not live.cancel("a", "run_2")
            assert live.cancel("a", "run_1")
            await asyncio.Event().wait()
    live.remove("a", "run_1")
    assert not live.cancel("a", "run_1")
