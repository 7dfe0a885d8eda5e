"""Run logs: kept within bounds, by tenant, and watched while they grow."""

from __future__ import annotations

import asyncio

from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import Observation, RunEvent, RunFinished, RunStarted, TextDelta
from gateway.agent.named_events import NamedEvent, named
from gateway.agent.run import Outcome, RunRequest, StopReason
from gateway.storage.memory import MemoryRunStore
from gateway.storage.runs import RunLog, RunStatus
from tools.spec import ToolResult


def asked(tenant: str = "default") -> RunRequest:
    return RunRequest(messages=(UserMessage(content="Go."),), tenant=tenant)


def ended(stop: StopReason = "answer") -> RunFinished:
    return RunFinished(Outcome(stop, "Hi."))


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_the_newest_runs_come_first_and_the_oldest_are_dropped() -> None:
    store = MemoryRunStore(max_runs=3)
    logs = [store.begin(asked()) for _ in range(5)]
    assert list(await store.recent("default", 10)) == logs[:1:-1]
    assert list(await store.recent("default", 1)) == [logs[-1]]
    assert await store.get("default", logs[0].run_id) is None


async def test_no_tenant_sees_anothers_runs() -> None:
    store = MemoryRunStore()
    log = store.begin(asked("a"))
    assert await store.get("b", log.run_id) is None
    assert list(await store.recent("b", 10)) == []
    assert await store.get("a", log.run_id) is log


async def test_a_run_is_forgotten_some_time_after_it_has_ended() -> None:
    clock = Clock()
    store = MemoryRunStore(max_age_s=60, now=clock)
    going, over = store.begin(asked()), store.begin(asked())
    for log in (going, over):
        assert await store.get("default", log.run_id) is log
    going.finish("completed")
    over.finish("completed")
    going.finished_at, over.finished_at = 10.0, 50.0
    clock.now = 71.0
    assert await store.get("default", going.run_id) is None
    assert await store.get("default", over.run_id) is over


async def test_a_run_that_is_going_is_not_forgotten_for_its_age() -> None:
    clock = Clock()
    store = MemoryRunStore(max_age_s=60, now=clock)
    log = store.begin(asked())
    clock.now = 10.0**12
    assert await store.get("default", log.run_id) is log


async def test_the_conversations_that_are_kept_are_bounded_together() -> None:
    store = MemoryRunStore(max_characters=1000)
    for _ in range(10):
        store.begin(RunRequest(messages=(UserMessage(content="x" * 300),))).append(ended())
    assert len(await store.recent("default", 100)) == 3


async def test_what_the_tools_brought_counts_too() -> None:
    store = MemoryRunStore(max_characters=1000)
    for _ in range(10):
        log = store.begin(asked())
        log.append(Observation(1, ToolResult("a", "add", "x" * 300)))
        log.append(ended())
    assert len(await store.recent("default", 100)) == 3


def test_the_last_event_says_how_the_run_ended() -> None:
    expected: dict[StopReason, RunStatus] = {
        "answer": "completed",
        "client_calls": "client_calls",
        "length": "incomplete",
        "incomplete": "incomplete",
        "interrupted": "incomplete",
        "denied": "denied",
    }
    for stop, status in expected.items():
        log = RunLog(asked())
        log.append(ended(stop))
        assert log.status == status
        assert log.finished_at is not None


def test_a_log_ends_once() -> None:
    log = RunLog(asked())
    log.append(ended())
    log.finish("failed", "too late")
    assert log.status == "completed"
    assert log.error is None


async def test_every_watcher_sees_every_event_in_order() -> None:
    request = asked()
    log = RunLog(request)
    started: RunEvent = RunStarted(request, ())
    log.append(started)
    seen: dict[str, list[NamedEvent]] = {"early": [], "second": []}
    reached = asyncio.Event()

    async def watch(name: str) -> None:
        async for event in log.follow():
            seen[name].append(event)
            reached.set()

    async with asyncio.TaskGroup() as group:
        for name in seen:
            group.create_task(watch(name))
        await reached.wait()
        said = [TextDelta(text) for text in "abc"]
        for delta in said:
            reached.clear()
            log.append(delta)
            await reached.wait()
        log.append(ended())
    assert seen["early"] == seen["second"] == [named(event) for event in (started, *said, ended())]


async def test_who_comes_after_the_end_sees_the_events_without_the_pieces_of_text() -> None:
    request = asked()
    log = RunLog(request)
    for event in (RunStarted(request, ()), TextDelta("Hi"), TextDelta("."), ended()):
        log.append(event)
    told = [event.name async for event in log.follow()]
    assert told == ["run.started", "run.finished"]


async def test_a_watcher_of_a_run_that_fails_is_let_go() -> None:
    log = RunLog(asked())
    waiting = asyncio.Event()

    async def watch() -> list[NamedEvent]:
        waiting.set()
        return [event async for event in log.follow()]

    task = asyncio.create_task(watch())
    await waiting.wait()
    log.finish("failed", "no model")
    assert await task == []
