"""What the loop does next: a closed union, matched exhaustively."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.agent.ask import Heard
from gateway.agent.run import HeldCall, Incomplete, Suspended
from gateway.agent.verdict import Verdict
from routing.confidence import CallEvidence
from tools.spec import ValidCall


@dataclass(frozen=True, slots=True)
class RunAgain:
    """Observations were appended; ask again."""


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Final:
    """The run has its answer, or hands calls back to the app."""

    client_calls: tuple[ValidCall, ...] = ()
    incomplete: Incomplete | None = None
    suspended: Suspended | None = None


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Held:
    """What the intermediary would have done: valid, allowed, and not run because it is in doubt.

    `cost_usd` is what the turn cost in which it was proposed.
    """

    heard: Heard
    verdict: Verdict
    evidence: tuple[CallEvidence, ...]
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Escalate:
    """The next decision is the expert's. `reason` is a code, `detail` a sentence.

    `held` is the proposal that was doubted, if there was a valid one. `attempt` counts the experts that
    failed to decide: 0 is the expert itself, 1 its first fallback.
    """

    reason: str
    detail: str
    held: Held | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A person has to decide about these calls before the run can go on."""

    held: tuple[HeldCall, ...]


NextStep = RunAgain | Final | Escalate | Interrupt
