"""A registry that follows one real server, and the processes that this takes.

What it is: what both kinds of real servers need, our own and the reference ones.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mistral_common.protocol.instruct.tool_calls import ToolCall

from tools.executor import CallContext
from tools.mcp.client import Session, open_session
from tools.mcp.pins import Pins
from tools.mcp.servers import McpServers
from tools.mcp.source import Source
from tools.registry import Registry
from tools.spec import ToolResult, ValidCall
from tools.wrappers import Upstream

LONGEST_S = 120
_CHILDREN = Path(f"/proc/self/task/{threading.main_thread().native_id}/children")

needs_proc = pytest.mark.skipif(
    not _CHILDREN.exists(), reason="processes and file handles are counted in /proc"
)
MakeCall = Callable[..., ToolCall]


def children() -> list[int]:
    """This process's own, in the order of their start; those that nobody waited for are among them."""
    return [int(each) for each in _CHILDREN.read_text().split()]


def wake() -> None:
    """Let those that were stopped go on, so that a test that fails can end."""
    for child in children() if _CHILDREN.exists() else ():
        os.kill(child, signal.SIGCONT)


def handles() -> int:
    """How many files, pipes and sockets this process holds open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@dataclass
class Followed:
    """The registry, with calls as a run would make them. `begun` is set when a call is under way."""

    make_call: MakeCall
    registry: Registry = field(default_factory=Registry)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def names(self) -> set[str]:
        return {spec.name for spec in self.registry.snapshot().specs}

    async def offered(self, name: str) -> None:
        """Wait until a tool is registered."""
        changed = asyncio.Event()
        end = self.registry.on_change(changed.set)
        async with asyncio.timeout(LONGEST_S):
            while name not in self.names:
                await changed.wait()
                changed.clear()
        end()

    async def call(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        tenant: str = "a",
        *,
        within_s: float | None = None,
    ) -> ToolResult:
        """Checked and executed; `within_s` is what is left to the run."""
        checked = self.registry.check(self.make_call(name, arguments or {}))
        assert isinstance(checked, ValidCall), checked
        deadline = None if within_s is None else asyncio.get_running_loop().time() + within_s
        context = CallContext(tenant=tenant, idempotency_key=f"run-1:{name}", deadline=deadline)
        async with asyncio.timeout(LONGEST_S):
            return await self.registry.execute(checked, context)

    async def under_way(self, name: str, arguments: dict[str, Any]) -> asyncio.Task[ToolResult]:
        """A call whose session is chosen: what happens to the server now happens in its middle."""
        self.begun.clear()
        calling = asyncio.create_task(self.call(name, arguments))
        async with asyncio.timeout(LONGEST_S):
            await self.begun.wait()
        return calling


class _Telling:
    """A session that says when it is asked to call."""

    def __init__(self, session: Session, begun: asyncio.Event) -> None:
        self._session = session
        self._begun = begun

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def call(self, *given: Any, **more: Any) -> Any:
        self._begun.set()
        return await self._session.call(*given, **more)


@asynccontextmanager
async def following(
    source: Source, followed: Followed, pins: Path, *, first: str, mode: str = "auto"
) -> AsyncGenerator[None]:
    """As long as it is open, the registry follows the server; `first` is a tool to wait for."""

    @asynccontextmanager
    async def telling(one: Source, changed: asyncio.Event) -> AsyncGenerator[_Telling]:
        async with open_session(one, changed, mode=mode) as session:
            yield _Telling(session, followed.begun)

    servers = [(source, Upstream(source.name))]
    async with McpServers(servers, followed.registry, Pins(pins), telling):
        await followed.offered(first)
        yield
