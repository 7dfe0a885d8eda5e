"""Runs that wait for a person, and the decisions so far: the seam, and what a decision may do.

    waiting ──► decided ──► resuming ──► over
       │                        └──────► waiting (for the next decision)
       └──────► (nobody decides in time: it expires)

A run that goes on is held by one process, as responses in the background are (`gateway.storage.durable`): who dies
over it is found by the others, and one of them takes it over.

What it is: values and the one rule of deciding, shared by the twins in memory and in SQL.
What it is not: going on with a run (`gateway.resuming`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from gateway.storage.durable import Bounds
from gateway.storage.waiting import Waiting

if TYPE_CHECKING:
    from gateway.storage.runs import RunLog, RunStatus

SuspensionStatus = Literal["waiting", "decided", "resuming", "over"]


@dataclass(frozen=True, slots=True)
class Suspension:
    """One run. `approvals` are its held calls, also earlier ones, as in the trace; `state` is its rest.

    Times are seconds since the epoch. An approval whose `decision` is None waits.
    """

    tenant: str
    run_id: str
    step: int
    created_at: float
    expires_at: float
    approvals: tuple[dict[str, Any], ...]
    state: dict[str, Any]
    status: SuspensionStatus = "waiting"

    def approval(self, call_id: str) -> dict[str, Any] | None:
        """The newest approval of this id."""
        return next((each for each in reversed(self.approvals) if each["call_id"] == call_id), None)

    def now_waiting(self) -> list[dict[str, Any]]:
        """The approvals of the interruption that is the newest."""
        return [each for each in self.approvals if each["step"] == self.step]

    def open_ones(self) -> list[dict[str, Any]]:
        """Those of them that nobody has decided about."""
        return [each for each in self.now_waiting() if each["decision"] is None]


class Resumable(NamedTuple):
    """A decided run that this process holds from now on; `losses` is how many processes died over it.

    One that `is_cancelled` is to be ended, and nobody was told yet.
    """

    suspension: Suspension
    losses: int
    is_cancelled: bool = False


class DecisionRefused(Exception):
    """`code`: `approval_not_found`, `approval_expired`, `approval_decided` (otherwise)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def decided(
    kept: Suspension | None, call_id: str, decision: dict[str, Any], now: float
) -> Suspension:
    """`kept` with a decision in it; the same one again changes nothing. Raises `DecisionRefused`."""
    approval = kept and kept.approval(call_id)
    if kept is None or approval is None:
        raise DecisionRefused("approval_not_found", f"no call {call_id[:64]!r} waits in this run")
    if approval["decision"] is not None:
        if {name: approval.get(name) for name in decision} == decision:
            return kept
        raise DecisionRefused("approval_decided", f"it was decided: {approval['decision']}")
    if now >= kept.expires_at:
        raise DecisionRefused("approval_expired", "nobody decided in time; ask the question again")
    approvals = tuple({**each, **decision} if each is approval else each for each in kept.approvals)
    changed = replace(kept, approvals=approvals)
    return changed if changed.open_ones() else replace(changed, status="decided")


def following(earlier: Suspension | None, suspension: Suspension) -> Suspension:
    """A run's suspension as it is kept after an `earlier` one."""
    if earlier is None:
        return suspension
    if earlier.step == suspension.step:
        return earlier
    return replace(suspension, approvals=(*earlier.approvals, *suspension.approvals))


class SuspensionStore(Protocol):
    """Keeps suspensions, by tenant. Twins: memory, and SQL beside the runs."""

    async def put(self, suspension: Suspension) -> None:
        """Keep it, durably, in the place of an earlier one of the run, whose approvals stay.

        One of the same step is the same interruption, told again: it stays as it is.
        """
        ...

    async def get(self, tenant: str, run_id: str) -> Suspension | None:
        """One run's."""
        ...

    async def decide(
        self, tenant: str, run_id: str, call_id: str, decision: dict[str, Any]
    ) -> Suspension:
        """Write a decision down. Raises `DecisionRefused`."""
        ...

    async def undecided(self, tenant: str, most: int) -> Sequence[Suspension]:
        """Those that a person can still decide about, the oldest first."""
        ...

    async def waiting(self) -> Waiting:
        """Runs that a person can still decide about, each since it was suspended."""
        ...

    async def claim(self, going: Collection[str], most: int, bounds: Bounds) -> Sequence[Resumable]:
        """Hold up to `most` decided runs that nobody does; tenants take turns, as in `DurableRuns.claim`.

        `going` are the runs that this process does; what else it holds, it had to leave.
        """
        ...

    async def finish(self, log: RunLog, again: Suspension | None) -> None:
        """A run that went on is over, or waits `again`: keep that and its record, at once or not at all.

        Raises `LeaseLost` for one that another process does now, or that was deleted.
        """
        ...

    async def drop(self, held: Suspension, status: RunStatus, error: str) -> None:
        """End a run that this process holds and does not do. Raises `LeaseLost`."""
        ...

    async def aclose(self) -> None:
        """Let go of what is open."""
        ...
