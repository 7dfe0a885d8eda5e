"""Keeps the vectors of definitions in step with a registry, behind the requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol, Self

from tools.retrieval.nearness import EmbeddingsUnavailable, Nearness
from tools.spec import ToolSpec

_AGAIN_S = 5.0


class Listed(Protocol):
    """What is asked of the registry's snapshot."""

    @property
    def specs(self) -> Sequence[ToolSpec]: ...


class Followed(Protocol):
    """What is asked of the registry."""

    def snapshot(self) -> Listed: ...
    def on_change(self, listener: Callable[[], object]) -> Callable[[], None]: ...


class KeptNear:
    """Entered with the application: each definition gets its vector, and so does each later one."""

    def __init__(self, registry: Followed, nearness: Nearness, again_s: float = _AGAIN_S) -> None:
        self._registry = registry
        self._nearness = nearness
        self._again_s = again_s
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        changed, loop = asyncio.Event(), asyncio.get_running_loop()
        forget = self._registry.on_change(lambda: loop.call_soon_threadsafe(changed.set))
        self._stack.callback(forget)
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        task = group.create_task(self._follow(changed), name="vectors of tools")
        self._stack.callback(task.cancel)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    async def _follow(self, changed: asyncio.Event) -> None:
        while True:
            changed.clear()
            try:
                await self._nearness.know(self._registry.snapshot().specs)
            except EmbeddingsUnavailable:  # it was logged where it failed
                await asyncio.sleep(self._again_s)
            else:
                await changed.wait()
