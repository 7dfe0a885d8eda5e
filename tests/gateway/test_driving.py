"""Driving a run for a request: what ends it is recorded, raised, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from mistral_common.protocol.instruct.messages import UserMessage
from starlette.types import Message

from gateway.agent.events import RunEvent
from gateway.agent.loop import RequestDenied
from gateway.agent.run import Resumed, RunRequest
from gateway.api.asgi import StopWhenGone
from gateway.api.driving import drive
from gateway.api.responses.creation import nobody_leaves
from gateway.live import Stopped
from gateway.services import Services
from gateway.storage.durable import LeaseLost
from gateway.storage.errors import StorageUnavailable
from gateway.storage.runs import RunLog
from tests.gateway.conftest import build
from tests.stage import RaisingLoop


class Silent:
    """A loop that forgets to say how a run has ended."""

    async def run(
        self, request: RunRequest, resumed: Resumed | None = None
    ) -> AsyncGenerator[RunEvent]:
        return
        yield


def begun(error: BaseException, *, durable: bool = False) -> tuple[Services, RunLog]:
    services = replace(build(())[0], loop=RaisingLoop(error))
    request = RunRequest(messages=(UserMessage(content="Go."),), durable=durable)
    return services, services.store.begin(request)


async def unheard(_event: RunEvent) -> None: ...


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (RequestDenied("not at night", "quiet_hours"), "denied", "not at night"),
        (asyncio.CancelledError(), "cancelled", "stopped: shutdown"),
        (ValueError("odd"), "failed", "ValueError: odd"),
    ],
)
async def test_what_ended_a_run_is_recorded_and_raised(
    error: BaseException, status: str, told: str
) -> None:
    services, log = begun(error)
    with pytest.raises(type(error)):
        await drive(services, log, nobody_leaves, unheard)
    assert (log.status, log.error) == (status, told)
    assert len(services.live) == 0


async def test_a_run_of_which_no_end_is_told_has_failed() -> None:
    services = replace(build(())[0], loop=Silent())
    log = services.store.begin(RunRequest(messages=(UserMessage(content="Go."),)))
    with pytest.raises(RuntimeError, match="RunFinished"):
        await drive(services, log, nobody_leaves, unheard)
    assert log.status == "failed"


async def test_what_its_listener_raises_ends_a_run() -> None:
    services, _ = build(["Hi."])
    log = services.store.begin(RunRequest(messages=(UserMessage(content="Go."),)))

    async def broken(_event: RunEvent) -> None:
        raise ConnectionError("nobody there")

    with pytest.raises(ConnectionError):
        await drive(services, log, nobody_leaves, broken)
    assert (log.status, log.error) == ("failed", "ConnectionError: nobody there")
    assert len(log.events) == 1, "what is heard is in the log"


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (LeaseLost("another has it"), False),
        (StorageUnavailable("gone"), False),
        (asyncio.CancelledError(), False),
        (ValueError("odd"), True),
    ],
)
async def test_a_durable_run_that_goes_on_elsewhere_is_left(
    error: BaseException, kept: bool
) -> None:
    services, log = begun(error, durable=True)
    with pytest.raises(type(error)):
        await drive(services, log, nobody_leaves, unheard)
    assert (await services.store.get(log.tenant, log.run_id) is not None) is kept


async def test_a_run_that_is_not_durable_is_kept_when_its_store_is_gone() -> None:
    services, log = begun(StorageUnavailable("gone"))
    with pytest.raises(StorageUnavailable):
        await drive(services, log, nobody_leaves, unheard)
    assert await services.store.get(log.tenant, log.run_id) is log


async def test_work_ends_when_its_client_leaves() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(Stopped) as caught:  # noqa: SIM117 - the scope is what raises
        with StopWhenGone(receive):
            await asyncio.Event().wait()
    assert caught.value.cause == "disconnected"


async def test_nobody_watches_a_connection_whose_work_is_over() -> None:
    watched, left = asyncio.Event(), asyncio.Event()

    async def receive() -> Message:
        watched.set()
        try:
            return await nobody_leaves()
        finally:
            left.set()

    with StopWhenGone(receive):
        await watched.wait()
    async with asyncio.timeout(5):
        await left.wait()


async def test_a_watch_leaves_nothing_to_the_collector() -> None:
    watched = asyncio.Event()

    async def receive() -> Message:
        watched.set()
        return await nobody_leaves()

    async def work() -> weakref.ref[StopWhenGone]:
        with StopWhenGone(receive) as stop:
            await watched.wait()
        return weakref.ref(stop)

    gc.disable()
    try:
        left = await work()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=5)
        assert left() is None
    finally:
        gc.enable()


async def test_short_work_is_not_watched() -> None:
    async def receive() -> Message:
        raise AssertionError("watched")

    with StopWhenGone(receive):
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert asyncio.all_tasks() == {asyncio.current_task()}
