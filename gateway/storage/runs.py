"""The log of one run, and the seam behind which logs are kept.

Recording is on the hot path: `RunLog.append` keeps the frozen event and does nothing else. Reading
folds the events into a record (`gateway.agent.trace`), when someone asks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Literal, Protocol

from gateway.agent.events import RunEvent, RunFinished, TextDelta
from gateway.agent.run import RunRequest, StopReason

RunStatus = Literal[
    "running", "completed", "incomplete", "client_calls", "failed", "cancelled", "denied"
]

_STATUS_OF: dict[StopReason, RunStatus] = {
    "answer": "completed",
    "client_calls": "client_calls",
    "length": "incomplete",
    "incomplete": "incomplete",
    "interrupted": "incomplete",
    "denied": "denied",
}


class RunLog:
    """What happened in one run so far, for as many readers as like to watch.

    One writer: the task that drives the run. Times are seconds since the epoch. Text deltas are
    dropped at the end, since `TurnFinished` has the whole text. `on_finish` is called once, then.
    """

    __slots__ = (
        "_changed",
        "_on_finish",
        "created_at",
        "error",
        "events",
        "finished_at",
        "request",
        "status",
    )

    def __init__(
        self, request: RunRequest, on_finish: Callable[[RunLog], None] | None = None
    ) -> None:
        self.request = request
        self.created_at = time.time()
        self.finished_at: float | None = None
        self.status: RunStatus = "running"
        self.error: str | None = None
        self.events: list[RunEvent] = []
        self._changed: asyncio.Event | None = None
        self._on_finish = on_finish

    @property
    def run_id(self) -> str:
        """The run's id, unguessable."""
        return self.request.run_id

    @property
    def tenant(self) -> str:
        """On whose behalf the run acts."""
        return self.request.tenant

    def append(self, event: RunEvent) -> None:
        """Keep one event; the last one, `RunFinished`, also ends the log."""
        self.events.append(event)
        if isinstance(event, RunFinished):
            self.finish(_STATUS_OF[event.outcome.stop])
        elif self._changed is not None:
            self._changed.set()

    def finish(self, status: RunStatus, error: str | None = None) -> None:
        """End the log, once: what comes later changes nothing."""
        if self.finished_at is not None:
            return
        self.status, self.error, self.finished_at = status, error, time.time()
        self.events = [event for event in self.events if not isinstance(event, TextDelta)]
        if self._changed is not None:
            self._changed.set()
        if self._on_finish is not None:
            self._on_finish(self)

    async def follow(self) -> AsyncGenerator[RunEvent]:
        """Every event so far, then each new one, until the run has ended."""
        events, seen = self.events, 0
        while True:
            while seen < len(events):
                yield events[seen]
                seen += 1
            if self.finished_at is not None:
                return
            if self._changed is None or self._changed.is_set():
                self._changed = asyncio.Event()
            await self._changed.wait()


class RunStore(Protocol):
    """Keeps logs, by tenant: no tenant sees another's. In-memory twin: `MemoryRunStore`."""

    def begin(self, request: RunRequest) -> RunLog:
        """Open the log of a run. Cheap: what is slow happens behind it."""
        ...

    async def get(self, tenant: str, run_id: str) -> RunLog | None:
        """The log of a run of this tenant; None when it is not kept, or another's."""
        ...

    async def recent(self, tenant: str, limit: int) -> Sequence[RunLog]:
        """The newest logs first, at most `limit`."""
        ...

    async def aclose(self) -> None:
        """Write what is not written yet, and let go of what is open."""
        ...
