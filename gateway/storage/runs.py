"""The log of one run, what can be read of a run, and the seam behind which runs are kept.

Recording is on the hot path: `RunLog.append` keeps the frozen event and does nothing else. Reading
folds the events into a record (`gateway.agent.folding`), when someone asks. A `RunLog` and a run that
comes back from a database read the same: `RunView`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from gateway.agent import trace
from gateway.agent.events import RunEvent, RunFinished, TextDelta
from gateway.agent.folding import fold
from gateway.agent.named_events import NamedEvent, named
from gateway.agent.run import RunRequest, StopReason

if TYPE_CHECKING:
    from gateway.storage.records import RunQuery, RunRecord

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


class RunHead(Protocol):
    """What a run is, without what it did. Times are seconds since the epoch."""

    @property
    def tenant(self) -> str: ...
    @property
    def run_id(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def status(self) -> RunStatus: ...
    @property
    def created_at(self) -> float: ...
    @property
    def finished_at(self) -> float | None: ...
    @property
    def error(self) -> str | None: ...


class RunView(RunHead, Protocol):
    """A run as it can be read: going on in this process, or kept from before."""

    def trace(self) -> dict[str, Any]:
        """What was asked, and what came of it so far."""
        ...

    def follow(self) -> AsyncGenerator[NamedEvent]:
        """Every event so far, then each new one, until the run has ended.

        Of a run that goes on in another process, none yet.
        """
        ...


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a run did before it was interrupted: when it began, and its events."""

    created_at: float
    events: tuple[NamedEvent, ...]

    @classmethod
    async def of(cls, run: RunView) -> Earlier:
        """What there is of a run that has ended for now."""
        return cls(run.created_at, tuple([event async for event in run.follow()]))


class RunLog:
    """What happened in one run so far, for as many readers as like to watch.

    One writer: the task that drives the run. Times are seconds since the epoch. Text deltas are
    dropped at the end, since `TurnFinished` has the whole text. `on_finish` is called once, then.
    """

    __slots__ = (
        "_changed",
        "_on_finish",
        "created_at",
        "earlier",
        "error",
        "events",
        "finished_at",
        "request",
        "status",
    )

    def __init__(
        self,
        request: RunRequest,
        on_finish: Callable[[RunLog], None] | None = None,
        earlier: Earlier | None = None,
    ) -> None:
        self.request = request
        self.earlier = earlier
        self.created_at = earlier.created_at if earlier else time.time()
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

    @property
    def role(self) -> str:
        """The model that was asked for."""
        return self.request.role

    def trace(self) -> dict[str, Any]:
        return {"request": trace.request(self.request), **fold(self.named_events())}

    def named_events(self) -> list[NamedEvent]:
        """All events, those before an interruption too."""
        before = self.earlier.events if self.earlier else ()
        return [*before, *map(named, self.events)]

    def append(self, event: RunEvent) -> None:
        """Keep one event; the last one, `RunFinished`, also ends the log."""
        self.events.append(event)
        if isinstance(event, RunFinished):
            self.finish(_STATUS_OF[event.outcome.stop])
        elif self._changed is not None:
            self._changed.set()

    def after(self, last: RunEvent) -> RunLog:
        """The log as it will be when its last event is in it: to be kept before anybody hears of that."""
        log = RunLog(self.request, earlier=self.earlier)
        log.created_at, log.events = self.created_at, [*self.events]
        log.append(last)
        return log

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

    async def follow(self) -> AsyncGenerator[NamedEvent]:
        for event in self.earlier.events if self.earlier else ():
            yield event
        events, seen = self.events, 0
        while True:
            while seen < len(events):
                yield named(events[seen])
                seen += 1
            if self.finished_at is not None:
                return
            if self._changed is None or self._changed.is_set():
                self._changed = asyncio.Event()
            await self._changed.wait()


class RunStore(Protocol):
    """Keeps runs, by tenant: no tenant sees another's. Twins: memory, and SQL."""

    def begin(self, request: RunRequest) -> RunLog:
        """Open the log of a run. Cheap: what is slow happens behind it."""
        ...

    async def reopen(self, request: RunRequest) -> RunLog:
        """The log of a run that was interrupted and goes on."""
        ...

    async def restart(self, request: RunRequest) -> RunLog:
        """The log of a run that this process does again from the beginning, for another that has not ended it."""
        ...

    def abandon(self, tenant: str, run_id: str) -> None:
        """Drop a log that does not end here: another process restarts it."""
        ...

    async def get(self, tenant: str, run_id: str) -> RunView | None:
        """A run of this tenant; None when it is not kept, or another's."""
        ...

    async def recent(self, tenant: str, limit: int) -> Sequence[RunHead]:
        """The newest runs first, at most `limit`."""
        ...

    async def records(self, tenant: str, query: RunQuery, limit: int) -> Sequence[RunRecord]:
        """The newest of those that `query` covers, whole, at most `limit`."""
        ...

    async def aclose(self) -> None:
        """Write what is not written yet, and let go of what is open."""
        ...
