"""Runs that wait for a person, and the decisions so far: the seam, and what a decision may do.

    waiting ──► decided ──► resuming ──► over
       └──────► (nobody decides in time: it expires)

What it is: values and the one rule of deciding, shared by the twins in memory and in SQL.
What it is not: going on with a run (`gateway.resuming`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

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
    open_ones = any(each["decision"] is None for each in changed.now_waiting())
    return changed if open_ones else replace(changed, status="decided")


class SuspensionStore(Protocol):
    """Keeps suspensions, by tenant. Twins: memory, and SQL beside the runs."""

    async def put(self, suspension: Suspension) -> None:
        """Keep it, durably, in the place of an earlier one of the run, whose approvals stay."""
        ...

    async def get(self, tenant: str, run_id: str) -> Suspension | None:
        """One run's."""
        ...

    async def decide(
        self, tenant: str, run_id: str, call_id: str, decision: dict[str, Any]
    ) -> Suspension:
        """Write a decision down. Raises `DecisionRefused`."""
        ...

    async def claim(self, tenant: str, run_id: str) -> Suspension | None:
        """Take over a decided run, or one that a dead process was resuming; None if that is not so."""
        ...

    async def end(self, tenant: str, run_id: str) -> None:
        """The run has gone on to its end: only its approvals stay."""
        ...

    async def stranded(self) -> Sequence[tuple[str, str]]:
        """Tenant and run of what could be claimed."""
        ...

    async def aclose(self) -> None:
        """Let go of what is open."""
        ...
