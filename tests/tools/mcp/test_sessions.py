"""Whose session it is, how long it lives, and what becomes of it when the server fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from tools.errors import ToolPaused, ToolTimeout, ToolUnavailable
from tools.executor import CallContext
from tools.executors.mcp import McpExecutor
from tools.mcp.sessions import Sessions
from tools.spec import Annotations, ToolSpec, ValidCall

from .twins import Twin, until

WRITE = ToolSpec("write", "Write.", {"type": "object"})
READ = ToolSpec("read", "Read.", {"type": "object"}, annotations=Annotations(read_only=True))


class Running:
    """Sessions with the tasks that they live in."""

    def __init__(self, twin: Twin, group: asyncio.TaskGroup, **more: Any) -> None:
        self.twin = twin
        self.tasks: list[asyncio.Task[None]] = []
        self.sessions = Sessions("twin", twin.open, **more)

        def start(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
            self.tasks.append(group.create_task(work()))

        self.sessions.start_with(start)

    async def call(self, tenant: str = "a", spec: ToolSpec = WRITE) -> Any:
        context = CallContext(tenant=tenant, idempotency_key="key")
        executor = McpExecutor(self.sessions, "remote", ["s3cr3t-value"])
        return await executor.execute(ValidCall("abcdefghi", spec, {}), context)


@pytest.fixture
async def group() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as tasks:
        yield tasks
        for task in tuple(tasks._tasks):
            task.cancel()


async def test_a_tenant_keeps_its_session_and_shares_it_with_nobody(
    group: asyncio.TaskGroup,
) -> None:
    running = Running(Twin(), group)
    for tenant in ("a", "b", "a", "b"):
        await running.call(tenant)
    assert [len(session.calls) for session in running.twin.sessions] == [2, 2]


async def test_calls_that_come_at_once_open_one_session(group: asyncio.TaskGroup) -> None:
    running = Running(Twin(), group)
    await asyncio.gather(*(running.call() for _ in range(5)))
    assert len(running.twin.sessions) == 1


async def test_only_what_is_no_read_carries_a_key(group: asyncio.TaskGroup) -> None:
    running = Running(Twin(), group)
    await running.call(spec=READ)
    await running.call(spec=WRITE)
    assert running.twin.sessions[0].calls == [("remote", None), ("remote", "key")]


async def test_a_server_that_is_gone_gets_a_new_session_at_the_next_call(
    group: asyncio.TaskGroup,
) -> None:
    running = Running(Twin(), group)
    await running.call()
    running.twin.sessions[0].over.set()
    await running.call()
    assert [len(session.calls) for session in running.twin.sessions] == [1, 1]
    await until(lambda: running.twin.closed)


async def test_an_expired_session_is_opened_anew_and_the_call_is_made_once(
    group: asyncio.TaskGroup,
) -> None:
    running = Running(Twin(), group)
    await running.call()
    running.twin.sessions[0].expired = True
    await running.call()
    assert [len(session.calls) for session in running.twin.sessions] == [1, 1]


async def test_a_session_that_expires_again_and_again_is_unavailable(
    group: asyncio.TaskGroup,
) -> None:
    running = Running(Twin(forgets=True), group)
    with pytest.raises(ToolUnavailable, match="forgotten the session") as caught:
        await running.call()
    assert not caught.value.sent
    assert len(running.twin.sessions) == 2


async def test_a_server_that_hangs_is_replaced_before_the_next_call(
    group: asyncio.TaskGroup,
) -> None:
    running = Running(Twin(hangs=True), group)
    cut_off = asyncio.create_task(running.call())
    await running.twin.hanging.wait()
    cut_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut_off
    replacing = asyncio.create_task(running.call())
    await until(lambda: len(running.twin.sessions) == 2)
    running.twin.hangs = False
    replacing.cancel()
    await until(lambda: running.twin.closed == running.twin.sessions[:1])


async def test_a_server_that_was_only_slow_keeps_its_session(group: asyncio.TaskGroup) -> None:
    running = Running(Twin(hangs=True), group)
    cut_off = asyncio.create_task(running.call())
    await running.twin.hanging.wait()
    cut_off.cancel()
    running.twin.hangs = False
    await running.call()
    assert len(running.twin.sessions) == 1


async def test_a_server_that_can_not_be_opened_is_unavailable_and_got_nothing(
    group: asyncio.TaskGroup,
) -> None:
    running = Running(Twin(is_gone=True), group)
    with pytest.raises(ToolUnavailable, match="can't be reached") as caught:
        await running.call()
    assert not caught.value.sent
    running.twin.is_gone = False
    assert (await running.call()).value == "done"


async def test_a_session_that_nobody_uses_is_closed(group: asyncio.TaskGroup) -> None:
    running = Running(Twin(), group, idle_s=0.01)
    await running.call()
    await until(lambda: running.twin.closed)
    await running.call()
    assert len(running.twin.sessions) == 2


async def test_the_least_recently_used_session_makes_room(group: asyncio.TaskGroup) -> None:
    running = Running(Twin(), group, max_tenants=2)
    for tenant in ("a", "b", "a", "c", "a"):
        await running.call(tenant)
    await until(lambda: running.twin.closed)
    assert running.twin.closed == [running.twin.sessions[1]]


async def test_when_all_are_busy_a_further_tenant_is_told(group: asyncio.TaskGroup) -> None:
    running = Running(Twin(hangs=True), group, max_tenants=1)
    busy = asyncio.create_task(running.call("a"))
    await running.twin.hanging.wait()
    with pytest.raises(ToolPaused, match="used by too many"):
        await running.call("b")
    busy.cancel()


async def test_secrets_in_what_a_server_says_are_blotted_out(group: asyncio.TaskGroup) -> None:
    running = Running(Twin(answer={"token": "s3cr3t-value"}), group)
    assert (await running.call()).value == '{"token":"***"}'


async def test_before_the_gateway_runs_nothing_is_opened() -> None:
    sessions = Sessions("twin", Twin().open)
    with pytest.raises(ToolUnavailable, match="not running"):
        async with sessions.borrow("a", 1):
            pass


async def test_a_timeout_of_the_session_itself_makes_it_suspect(group: asyncio.TaskGroup) -> None:
    running = Running(Twin(), group)
    with pytest.raises(ToolTimeout):
        async with running.sessions.borrow("a", 1):
            raise ToolTimeout("late")
    running.twin.hangs = True
    second = asyncio.create_task(running.call())
    await until(lambda: len(running.twin.sessions) == 2)
    second.cancel()
