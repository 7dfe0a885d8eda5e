"""Where writes that were begun are brought to their end, whoever stops waiting for them.

A client that disconnects, or a deadline that passes, ends the waiting and not the write: cutting a
write in the middle would leave an effect that nobody recorded. The shelter owns these tasks and is
drained at shutdown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_GRACE_S = 1.0
"""For what is cut to let go of what it holds."""


class Shelter:
    """Owns the tasks of writes. One for an application; `drain` ends its life."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start `work`; it goes on whoever stops waiting for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for `work`; when the waiter is cancelled, the work goes on."""
        return await asyncio.shield(self.begin(work))

    async def drain(self, timeout_s: float) -> int:
        """Wait at most `timeout_s` seconds for what is left; gives how many had to be cancelled."""
        if not self._tasks:
            return 0
        _, pending = await asyncio.wait(set(self._tasks), timeout=timeout_s)
        for task in pending:
            task.cancel()
        if pending:  # one that takes no notice is left to the end of the process
            await asyncio.wait(pending, timeout=_GRACE_S)
        return len(pending)
