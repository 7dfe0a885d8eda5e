"""One timer for many waits: it ends a wait and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from gateway.agent.patience import Patience


async def hang() -> None:
    await asyncio.Event().wait()


async def given(value: str) -> str:
    return value


def soon() -> float:
    return asyncio.get_running_loop().time() + 0.01


async def test_what_comes_in_time_is_given() -> None:
    with Patience(soon() + 10.0) as patience:
        assert [await patience.of(given(each)) for each in "ab"] == ["a", "b"]


async def test_without_an_end_it_waits_for_ever() -> None:
    with Patience(None) as patience:
        assert await patience.of(given("a")) == "a"


async def test_a_wait_beyond_the_end_is_cut_and_leaves_no_cancelling_behind() -> None:
    with Patience(soon()) as patience, pytest.raises(TimeoutError):
        await patience.of(hang())
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    await asyncio.sleep(0)


async def test_nothing_is_cancelled_between_the_waits_and_the_next_one_ends_at_once() -> None:
    with Patience(soon()) as patience:
        await asyncio.sleep(0.03)
        assert await patience.of(given("had without waiting")) == "had without waiting"
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await patience.of(hang())


async def test_a_wait_that_does_not_listen_keeps_what_it_brings() -> None:
    async def deaf() -> str:
        try:
            await hang()
        except asyncio.CancelledError:
            return "at last"
        raise AssertionError

    with Patience(soon()) as patience:
        assert await patience.of(deaf()) == "at last"
    await asyncio.sleep(0)


async def test_cancelling_from_outside_stays_cancelling() -> None:
    begun = asyncio.Event()

    async def waiting() -> None:
        with Patience(soon() + 10.0) as patience:
            begun.set()
            await patience.of(hang())

    task = asyncio.create_task(waiting())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_cancelling_from_outside_wins_over_the_end() -> None:
    """Both at once: whoever cancelled the task must not be passed over."""

    async def waiting() -> None:
        task = asyncio.current_task()
        assert task is not None
        with Patience(soon()) as patience:
            asyncio.get_running_loop().call_later(0.01, task.cancel)
            await patience.of(both())

    async def both() -> None:
        try:
            await hang()
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)  # the second one comes meanwhile
            raise

    task = asyncio.create_task(waiting())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_time_that_is_granted_is_had_although_the_end_has_come() -> None:
    with Patience(soon()) as patience:
        with pytest.raises(TimeoutError):
            await patience.of(hang())
        patience.grant(5.0)
        assert await patience.of(asyncio.sleep(0.03, "closed")) == "closed"
        patience.grant(0.01)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Patience.of(patience, hang()), 10.0)


async def test_time_that_is_granted_early_is_had_beyond_the_end() -> None:
    with Patience(asyncio.get_running_loop().time() + 0.02) as patience:
        patience.grant(5.0)
        assert await patience.of(asyncio.sleep(0.06, "closed")) == "closed"


async def test_time_that_is_granted_takes_none_away() -> None:
    with Patience(asyncio.get_running_loop().time() + 10.0) as patience:
        patience.grant(0.001)
        assert await patience.of(asyncio.sleep(0.03, "closed")) == "closed"
    with Patience(None) as patience:
        patience.grant(0.001)
        assert await patience.of(asyncio.sleep(0.03, "closed")) == "closed"
