"""Threads for tools that block: bounded, daemonic, context variables kept.

What it is: a pool that grows to its limit as calls come and never keeps the process from exiting, which
`ThreadPoolExecutor` does when a tool hangs.
What it is not: a way to stop a function. A thread can't be killed: when the caller is cancelled, a
call that still waits is dropped, and one that runs goes on with nobody reading its result.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class ToolThreads:
    """At most `limit` threads; further calls wait in order."""

    def __init__(self, limit: int = 32) -> None:
        self._limit = limit
        self._unfinished = 0
        self._started = 0
        self._lock = threading.Lock()
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()

    async def run(self, function: Callable[[], Result]) -> Result:
        """Call `function` in a thread, in a copy of the caller's context."""
        context = contextvars.copy_context()
        future: Future[Result] = Future()
        self._work.put((future, lambda: context.run(function)))
        self._grow()
        return await asyncio.wrap_future(future)

    def _grow(self) -> None:
        with self._lock:
            self._unfinished += 1
            if self._unfinished <= self._started or self._started == self._limit:
                return
            self._started += 1
            name = f"tool-{self._started}"
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def _serve(self) -> None:
        while True:
            future, function = self._work.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001 - handed on, whatever it is
                    future.set_exception(error)
            with self._lock:
                self._unfinished -= 1


SHARED = ToolThreads()
"""The threads that function tools share unless they are given others."""
