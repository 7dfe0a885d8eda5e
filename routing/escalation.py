"""When a decision is too hard for the intermediary: strategies over evidence.

What it is: pure functions from `Evidence` to a `Reason` or None, combined with `|` (either) and `&`
(both). Here are those that look at what a run has been through; those that look at the calls it is
about to make are in `routing.escalation_calls`, their names and notation in `routing.escalation_text`.
What it is not: the lending itself (the loop), or the choice of a backend (`routing.router`).

    strategy = InvalidAfterRepair() | UnknownToolTwice() | (ToolErrors(3) & ContextTooLong(0.5))

A plain function `(Evidence) -> Reason | None` is accepted wherever a strategy is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from routing.confidence import CallEvidence


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Evidence:
    """What is known about a run before its next decision. Counts are since the last good decision.

    `invalid_turns`: turns in a row in which a call stayed invalid after repair and a re-ask.
    `unknown_turns`: turns in a row that named a tool that does not exist.
    `invalid_outputs`: answers in a row that do not have the form that was asked for (structured output).
    `unusable_turns`: turns in a row that brought neither an answer nor a call, or were cut.
    `repeats`: how often the latest call was made with the same arguments and the same result.
    `tool_errors`: observations in a row that are errors.
    `wish`: the model's own reason when it called `escalate`.
    `backend_failure`: why the intermediary could not be asked.
    `prompt_tokens`, `context_tokens`: the last prompt and the intermediary's window; 0 is unknown.
    `proposed`: what speaks for the calls that the intermediary wants to make now, valid and allowed, and
    not yet run; empty at every other time.
    `budget_left`: the share of the run's money that is not spent, 1 when nobody bounds it.
    `time_left_s`: seconds until the run's deadline.
    """

    invalid_turns: int = 0
    unknown_turns: int = 0
    unusable_turns: int = 0
    invalid_outputs: int = 0
    repeats: int = 0
    tool_errors: int = 0
    wish: str | None = None
    backend_failure: str | None = None
    context_overflow: bool = False
    prompt_tokens: int = 0
    context_tokens: int = 0
    problem: str = ""
    proposed: tuple[CallEvidence, ...] = ()
    budget_left: float = 1.0
    time_left_s: float = inf

    def now(
        self, proposed: tuple[CallEvidence, ...], budget_left: float, time_left_s: float
    ) -> Evidence:
        """The same, at the moment of a decision. Field by field, since it is made for every turn of a run."""
        return Evidence(
            self.invalid_turns,
            self.unknown_turns,
            self.unusable_turns,
            self.invalid_outputs,
            self.repeats,
            self.tool_errors,
            self.wish,
            self.backend_failure,
            self.context_overflow,
            self.prompt_tokens,
            self.context_tokens,
            self.problem,
            proposed,
            budget_left,
            time_left_s,
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision is lent: a stable code for metrics, a sentence for people."""

    code: str
    detail: str


StrategyFunction = Callable[[Evidence], Reason | None]


class Strategy(ABC):
    """Base of the shipped strategies: callable, combinable."""

    doubts_reads = True
    """Whether a proposed call that only reads may be what it doubts; then none is run before its turn is over."""

    @abstractmethod
    def __call__(self, evidence: Evidence) -> Reason | None:
        """Why the next decision should be the expert's; None when the intermediary may decide."""

    def __or__(self, other: StrategyFunction) -> Strategy:
        return _Either(self, other)

    def __and__(self, other: StrategyFunction) -> Strategy:
        return _Both(self, other)


def doubts_reads(strategy: StrategyFunction) -> bool:
    """What a strategy says of itself; of a plain function nothing is known."""
    return getattr(strategy, "doubts_reads", True) is True


class _Either(Strategy):
    def __init__(self, left: StrategyFunction, right: StrategyFunction) -> None:
        self._left, self._right = left, right
        self.doubts_reads = doubts_reads(left) or doubts_reads(right)

    def __call__(self, evidence: Evidence) -> Reason | None:
        return self._left(evidence) or self._right(evidence)


class _Both(Strategy):
    def __init__(self, left: StrategyFunction, right: StrategyFunction) -> None:
        self._left, self._right = left, right
        self.doubts_reads = doubts_reads(left) or doubts_reads(right)

    def __call__(self, evidence: Evidence) -> Reason | None:
        if (left := self._left(evidence)) is None or (right := self._right(evidence)) is None:
            return None
        return Reason(f"{left.code}+{right.code}", f"{left.detail} {right.detail}")


class _OverRuns(Strategy):
    """Looks at what the run has been through, and not at the calls that are proposed."""

    doubts_reads = False


class InvalidAfterRepair(_OverRuns):
    """A call is still not right after the deterministic repair and one re-ask with the error."""

    def __init__(self, turns: int = 2) -> None:
        self._turns = turns

    def __call__(self, evidence: Evidence) -> Reason | None:
        if evidence.invalid_turns < self._turns:
            return None
        return Reason("invalid_after_repair", evidence.problem)


class UnknownToolTwice(_OverRuns):
    """The model names a tool that does not exist, was told the near names, and did it again."""

    _TWICE = 2

    def __call__(self, evidence: Evidence) -> Reason | None:
        if evidence.unknown_turns < self._TWICE:
            return None
        return Reason("unknown_tool", evidence.problem)


class InvalidOutput(_OverRuns):
    """A structured answer still does not satisfy its schema after repair and one re-ask."""

    def __init__(self, answers: int = 2) -> None:
        self._answers = answers

    def __call__(self, evidence: Evidence) -> Reason | None:
        if evidence.invalid_outputs < self._answers:
            return None
        return Reason("invalid_output", evidence.problem)


class NoProgress(_OverRuns):
    """The same call with the same arguments and result again and again, or turns with nothing in them."""

    def __init__(self, repeats: int = 3, unusable: int = 2) -> None:
        self._repeats, self._unusable = repeats, unusable

    def __call__(self, evidence: Evidence) -> Reason | None:
        if evidence.repeats >= self._repeats:
            return Reason(
                "no_progress", f"The same call brought the same result {evidence.repeats} times."
            )
        if evidence.unusable_turns >= self._unusable:
            return Reason("no_progress", evidence.problem)
        return None


class ToolErrors(_OverRuns):
    """Observation after observation is an error."""

    def __init__(self, errors: int = 4) -> None:
        self._errors = errors

    def __call__(self, evidence: Evidence) -> Reason | None:
        if evidence.tool_errors < self._errors:
            return None
        return Reason("tool_errors", f"{evidence.tool_errors} results in a row are errors.")


class ContextTooLong(_OverRuns):
    """The conversation fills the intermediary's window beyond `share` of it, or no longer fits."""

    def __init__(self, share: float = 0.9) -> None:
        self._share = share

    def __call__(self, evidence: Evidence) -> Reason | None:
        if evidence.context_overflow:
            return Reason(
                "context_too_long", "The conversation does not fit the intermediary's window."
            )
        limit = evidence.context_tokens * self._share
        if not limit or evidence.prompt_tokens <= limit:
            return None
        detail = (
            f"{evidence.prompt_tokens} of {evidence.context_tokens} tokens of context are used."
        )
        return Reason("context_too_long", detail)


class BackendDown(_OverRuns):
    """The intermediary can't be reached, or failed to answer."""

    def __call__(self, evidence: Evidence) -> Reason | None:
        if evidence.backend_failure is None:
            return None
        return Reason("backend_down", evidence.backend_failure)


class OwnWish(_OverRuns):
    """The intermediary called `escalate`."""

    def __call__(self, evidence: Evidence) -> Reason | None:
        return None if evidence.wish is None else Reason("own_wish", evidence.wish)


class BudgetLeft(_OverRuns):
    """There is money and time for the expert: at least `share` of the budget, `seconds` of the deadline.

    A condition for others (`low_margin & budget_left(0.2, 5)`): on its own it would lend everything.
    """

    def __init__(self, share: float = 0.1, seconds: float = 0.0) -> None:
        self._share, self._seconds = share, seconds

    def __call__(self, evidence: Evidence) -> Reason | None:
        if evidence.budget_left < self._share or evidence.time_left_s < self._seconds:
            return None
        return Reason("budget_left", f"{evidence.budget_left:.0%} of the budget is left.")
