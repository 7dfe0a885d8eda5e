"""What a run says while it goes: the union that the loop yields and every surface translates.

Order: `RunStarted`, then for each step `TurnStarted`, `TextDelta`s, `TurnFinished`, and for each call
`CallAccepted` or `CallRefused`, then `Observation`s; `Escalated` where a decision was lent, and
`ContextShortened` before a turn that is shown less than the whole conversation; at last
exactly one `RunFinished`. Nothing provisional is in it: a call appears once, after it validated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.agent.run import Decided, Escalation, HeldCall, Outcome, RunRequest
from gateway.context.receipt import Shortened
from routing.backend import Served, TextDelta, TokenLogprob, Usage
from routing.confidence import CallEvidence
from tools.spec import InvalidCall, ToolResult, ValidCall

__all__ = [
    "ApprovalDecided",
    "ApprovalRequested",
    "CallAccepted",
    "CallRefused",
    "ContextShortened",
    "Escalated",
    "Observation",
    "RunEvent",
    "RunFinished",
    "RunStarted",
    "TextDelta",
    "TurnFinished",
    "TurnStarted",
]


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class RunStarted:
    """The run exists; `offered` are the names of the tools that the model is shown."""

    request: RunRequest
    offered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContextShortened:
    """The next turn is shown less than the whole conversation: the receipt."""

    receipt: Shortened


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class TurnStarted:
    """A model is being asked. `step` counts from 1; `reason` says why this backend.

    In a direct call it is the app that decides: `role` is `app`, and there is no model.
    """

    step: int
    role: str
    model: str
    reason: str


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class TurnFinished:
    """The model has decided. Times in seconds, cost in US dollars.

    `first_token_s` is None when nothing was streamed (calls only). `logprobs` are those of every
    token, calls too, where the request asks for them and the engine tells. `evidence` is what speaks for
    each valid call of an intermediary that tells log-probabilities. `served` is None without tiers.
    """

    step: int
    text: str
    calls: int
    finish_reason: str
    usage: Usage
    cost_usd: float
    elapsed_s: float
    first_token_s: float | None = None
    notes: tuple[str, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    evidence: tuple[CallEvidence, ...] = ()
    served: Served | None = None


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class CallAccepted:
    """A call is valid and allowed. `client` calls go back to the app, the others run now."""

    step: int
    call: ValidCall
    client: bool


@dataclass(frozen=True, slots=True)
class CallRefused:
    """A call will not be run. `invalid` when it is not right, `reason` when policy forbids it."""

    step: int
    call_id: str
    name: str
    reason: str
    invalid: InvalidCall | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """A call is valid, and a person has to decide about it: the run will end, and go on then."""

    held: HeldCall


@dataclass(frozen=True, slots=True)
class ApprovalDecided:
    """A person has decided about a call; a call that runs follows as `CallAccepted`."""

    step: int
    call_id: str
    name: str
    decided: Decided


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Observation:
    """What a call brought, failures too, as the model will read it."""

    step: int
    result: ToolResult


@dataclass(frozen=True, slots=True)
class Escalated:
    """One decision was lent to the expert (or would have been): the receipt."""

    receipt: Escalation


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class RunFinished:
    """The end, always the last event."""

    outcome: Outcome


RunEvent = (
    RunStarted
    | ContextShortened
    | TurnStarted
    | TextDelta
    | TurnFinished
    | CallAccepted
    | CallRefused
    | ApprovalRequested
    | ApprovalDecided
    | Observation
    | Escalated
    | RunFinished
)
