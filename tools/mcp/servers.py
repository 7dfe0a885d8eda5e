"""All MCP servers of a gateway, side by side.

What it is: built with the settings, when approved tools are registered from their pins; entered when the
gateway starts, which connects in the background; left when it stops, which closes every session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Self

from tools.mcp.keeper import Keeper
from tools.mcp.pins import Pins
from tools.mcp.sessions import Sessions
from tools.mcp.source import Source
from tools.registry import Registry
from tools.wrappers import Upstream

_log = logging.getLogger(__name__)

_CLOSING_S = 10.0
"""Longer than a process is given to end by itself, be told to, and be killed."""

Open = Callable[[Source, asyncio.Event], AbstractAsyncContextManager[Any]]


class McpServers:
    """`async with McpServers(…)` keeps the registry in step with every server."""

    def __init__(
        self,
        servers: Sequence[tuple[Source, Upstream]],
        registry: Registry,
        pins: Pins,
        open_session: Open,
    ) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: list[asyncio.Task[None]] = []
        self._sessions: list[Sessions] = []
        self._keepers: list[Keeper] = []
        for source, upstream in servers:
            changed = asyncio.Event()
            open_one = partial(open_session, source, changed)
            sessions = Sessions(source.name, open_one)
            keeper = Keeper(
                source,
                registry,
                pins,
                sessions=sessions,
                upstream=upstream,
                open_one=open_one,
                changed=changed,
            )
            keeper.restore()
            self._sessions.append(sessions)
            self._keepers.append(keeper)

    async def __aenter__(self) -> Self:
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        for sessions in self._sessions:
            sessions.start_with(self._start)
        for keeper in self._keepers:
            self._following.append(self._start(keeper.run))
        return self

    async def __aexit__(self, *_: object) -> None:
        for sessions in self._sessions:
            sessions.close()
        for following in self._following:
            following.cancel()
        if (
            self._tasks
        ):  # being cancelled while it ends a process, the SDK leaves it, and waits for ever
            await asyncio.wait(self._tasks, timeout=_CLOSING_S)
        while self._tasks:  # more than once: foreign code may swallow what ends it
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=_CLOSING_S)
        if self._group is not None:
            await self._group.__aexit__(None, None, None)

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        assert self._group is not None  # noqa: S101  # sessions are started in between only
        task = self._group.create_task(_contained(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _contained(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What goes wrong in one task is told, and ends no other."""
    try:
        await work()
    except Exception:  # noqa: BLE001 - logged; the others go on
        _log.exception("tools.mcp: a task failed")
