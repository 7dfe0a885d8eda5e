"""A server in memory: what it lists, what it was asked, and whether it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tools.errors import ToolUnavailable
from tools.mcp.definition import Definition
from tools.mcp.sessions import SessionExpired


def defined(name: str, description: str = "A tool.", **hints: bool) -> Definition:
    return Definition(name, description, {"type": "object", "properties": {}}, None, hints)


class TwinSession:
    """One session with the twin."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.over = asyncio.Event()
        self.expired = False
        self.calls: list[tuple[str, str | None]] = []

    async def definitions(self) -> list[Definition]:
        self.twin.listed.set()
        return list(self.twin.tools)

    async def listen(self) -> None:
        pass

    async def answers(self, within_s: float) -> bool:
        return not self.twin.hangs

    async def call(
        self, name: str, arguments: dict[str, Any], *, key: str | None, timeout_s: float
    ) -> Any:
        if self.expired or self.twin.forgets:
            raise SessionExpired("twin")
        self.calls.append((name, key))
        if self.twin.hangs:
            self.twin.hanging.set()
            await asyncio.Event().wait()
        return self.twin.answer


@dataclass
class Twin:
    tools: list[Definition] = field(default_factory=list[Definition])
    answer: Any = "done"
    is_gone: bool = False
    hangs: bool = False
    forgets: bool = False
    sessions: list[TwinSession] = field(default_factory=list[TwinSession])
    closed: list[TwinSession] = field(default_factory=list[TwinSession])
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[TwinSession]:
        if self.is_gone:
            raise ToolUnavailable("twin: can't be reached", sent=False)
        session = TwinSession(self)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.over.set()
            self.closed.append(session)


async def until(true: Callable[[], object]) -> None:
    """Let the others run until it is so; what never becomes so fails."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0)
