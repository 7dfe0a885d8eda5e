"""What the loop does next: a closed union, matched exhaustively."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.agent.run import Incomplete
from tools.spec import ValidCall


@dataclass(frozen=True, slots=True)
class RunAgain:
    """Observations were appended; ask again."""


@dataclass(frozen=True, slots=True)
class Final:
    """The run has its answer, or hands calls back to the app."""

    client_calls: tuple[ValidCall, ...] = ()
    incomplete: Incomplete | None = None


@dataclass(frozen=True, slots=True)
class Escalate:
    """The next decision is the expert's. `reason` is a code, `detail` a sentence."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A person has to decide about `call` before the run can go on."""

    call: ValidCall
    reason: str


NextStep = RunAgain | Final | Escalate | Interrupt
