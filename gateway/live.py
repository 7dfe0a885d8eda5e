"""The runs that are going now in this process, and how each is stopped from outside.

A run lives in the task of the request that asked for it. `Stop` is the scope around that work: whoever
calls it (the watcher of a connection, `POST /v1/runs/{id}/cancel`) ends the work at its next await,
and the scope turns that into `Stopped`, as `asyncio.timeout` does with its own cancellations.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Literal, Self

StopCause = Literal["disconnected", "cancelled"]


class Stopped(Exception):
    """The work was ended from outside. `cause` says by whom."""

    def __init__(self, cause: StopCause) -> None:
        super().__init__(cause)
        self.cause: StopCause = cause


class Stop:
    """A scope whose body can be ended from outside, once. Enter it in the task that does the work."""

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self.cause: StopCause | None = None

    def __call__(self, cause: StopCause) -> None:
        """End the body, if it still runs; only the first cause counts."""
        if self._task is not None and self.cause is None:
            self.cause = cause
            self._task.cancel()

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a stop scope needs a task")
        self._task, self._cancelling = task, task.cancelling()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        if (
            task is not None
            and self.cause is not None
            and task.uncancel() <= self._cancelling
            and isinstance(error, asyncio.CancelledError)
        ):
            raise Stopped(self.cause) from error


class LiveRuns:
    """Who can be stopped, by tenant and run id."""

    def __init__(self) -> None:
        self._stops: dict[tuple[str, str], Stop] = {}

    def __len__(self) -> int:
        return len(self._stops)

    def add(self, tenant: str, run_id: str, stop: Stop) -> None:
        """A run begins."""
        self._stops[tenant, run_id] = stop

    def remove(self, tenant: str, run_id: str) -> None:
        """A run has ended."""
        self._stops.pop((tenant, run_id), None)

    def cancel(self, tenant: str, run_id: str) -> bool:
        """Stop a run; False when it is not going here."""
        stop = self._stops.get((tenant, run_id))
        if stop is None:
            return False
        stop("cancelled")
        return True
