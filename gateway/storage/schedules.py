"""Schedules at rest: the seam. What is asked for is a document that nobody here reads.

A schedule's fires have numbers. Whoever fires it claims the next number, and only one can: the claim is
one transaction, in which the schedule moves on to its next time and the fire is written down. Where runs are
durable the run begins in the same transaction (`gateway.storage.durable`), so that there is neither a fire
without its run nor a run without its fire, whenever a process dies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from gateway.access.principal import KeyRole
from gateway.storage.waiting import Waiting

State = Literal["active", "paused", "stopped", "done"]
"""`stopped` is what the gateway did, with a reason; `done` is what has no time left."""
Outcome = Literal["started", "skipped", "failed"]

RUNS_KEPT = 100
"""Of a schedule, the newest; what is older is forgotten."""


class FireTaken(Exception):
    """Somebody else fired it, or it was paused, changed or deleted meanwhile."""


class TooManySchedules(Exception):
    """A tenant has as many as it may have."""


@dataclass(frozen=True, slots=True)
class ScheduleBounds:
    """How many a tenant may have, and how often one may fire at most, in seconds."""

    of_tenant: int = 100
    min_interval_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """`key` is the public id of the key that made it, empty where none was asked for; `role` that key's.

    `next_at` is its next time, None where it has none; `look_at` when that is to be looked at, which is
    later for one that has to wait. `fires` counts. Times are seconds since the epoch.
    """

    tenant: str
    id: str
    created_at: float
    key: str
    role: KeyRole
    plan: Mapping[str, Any]
    next_at: float | None
    look_at: float | None
    state: State = "active"
    reason: str = ""
    fires: int = 0
    last_response_id: str | None = None


@dataclass(frozen=True, slots=True)
class Fire:
    """One run of a schedule, or why there is none. `due_at` is its time, `since` the first that it stands for."""

    tenant: str
    schedule_id: str
    number: int
    due_at: float
    since: float
    fired_at: float
    outcome: Outcome
    reason: str = ""
    response_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """A claim: this fire, of a schedule whose next time was `was_at` and is `next_at` from then on."""

    fire: Fire
    was_at: float
    next_at: float | None


class ScheduleStore(Protocol):
    """Keeps schedules and their fires, by tenant. Twins: memory, and SQL. Raises `StorageUnavailable`."""

    async def add(self, schedule: Schedule, most: int) -> None:
        """Keep a new one. Raises `TooManySchedules` where its tenant has `most`."""
        ...

    async def get(self, tenant: str, schedule_id: str) -> Schedule | None: ...

    async def list(self, tenant: str) -> Sequence[Schedule]:
        """All of a tenant, newest first."""
        ...

    async def move(
        self, schedule: Schedule, state: State, reason: str, next_at: float | None
    ) -> bool:
        """Pause, resume or stop it, if it still is as it was read; gives whether."""
        ...

    async def edit(self, schedule: Schedule, changed: Schedule) -> bool:
        """Put what it is to be in its place (plan, whose it is, state, times), if it still is as it was read."""
        ...

    async def delete(self, tenant: str, schedule_id: str) -> bool:
        """Forget it with its fires. What it began goes on."""
        ...

    async def due(self, now: float, most: int) -> Sequence[Schedule]:
        """Active ones of all tenants whose time to be looked at has come, the oldest first."""
        ...

    async def waiting(self, now: float) -> Waiting:
        """Active ones of all tenants whose time has passed, each since then; also those that were put off."""
        ...

    async def put_off(self, schedule: Schedule, look_at: float) -> None:
        """Look at it later, if it still is as it was read."""
        ...

    async def claim(self, firing: Firing) -> None:
        """Write down a fire, and move on. Raises `FireTaken`."""
        ...

    async def fires(self, tenant: str, schedule_id: str, most: int) -> Sequence[Fire]:
        """The newest first."""
        ...

    async def aclose(self) -> None: ...
