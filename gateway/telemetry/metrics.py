"""Runs as metrics: a fold over a run's events into counters, gauges and histograms.

On the hot path: an event costs one dictionary look-up, and a few more where it is counted (figures in
docs/telemetry.md). Label values are bounded whatever models and clients send.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Any, ClassVar, get_args

from prometheus_client import Counter

from gateway.agent.events import (
    CallAccepted,
    CallRefused,
    ContextShortened,
    Escalated,
    Observation,
    RunEvent,
    RunFinished,
    TextDelta,
    TurnFinished,
    TurnStarted,
)
from gateway.agent.run import Role, RunRequest
from gateway.telemetry.instruments import Instruments
from gateway.telemetry.labels import OTHER, Bounded, one_of
from gateway.telemetry.observing import Ending
from gateway.telemetry.series import Count
from gateway.telemetry.slots import Slots
from routing.backend import Usage
from routing.escalation_text import STRATEGIES
from tools.spec import Failure

CLIENT = "client"
"""The label of calls that the app runs itself: their names are the app's, and many."""

_FINISHES = ("stop", "length", "tool_calls", "content_filter", "failed", "cancelled")
_REASONS = (*STRATEGIES, "always")
_INCOMPLETE = (
    "max_steps max_tool_calls deadline max_cost budget max_output_tokens invalid_output no_expert expert_failed "
    "backend_failed stream_cut repetition approval_required denied unresolved_call"
).split()
_NOT_RUN = frozenset({Failure.INVALID_CALL, Failure.DENIED})
_Notes = Mapping[type[RunEvent], Callable[[Any, Any], None]]


class RunMetrics:
    """Watches runs. `models` are the configured ones by role; `slots` those of engines in this process.

    `others` are models that answer in a role beside its own: those of tiers. `known_tool` says whether a name is a registered tool; `max_tools` of them get a label.
    """

    def __init__(
        self,
        *,
        models: Mapping[str, str],
        known_tool: Callable[[str], bool],
        max_tools: int = 100,
        slots: Mapping[str, int] | None = None,
        others: Sequence[str] = (),
    ) -> None:
        made = self.instruments = Instruments()
        self.tool = Bounded(known_tool, max_tools)
        self.model = one_of((*models.values(), *others))
        self.role = one_of((*get_args(Role), *models))
        self.finish = one_of(_FINISHES)
        self.reason = one_of(_REASONS)
        self.missing = one_of(_INCOMPLETE)
        # Of series there are only so many, and each is looked for once.
        self.runs = cache(made.runs.labels)
        self.incomplete = cache(made.incomplete.labels)
        self.turns = cache(made.turns.labels)
        self.tier_turns = cache(made.tier_turns.labels)
        self.turn_seconds = cache(made.turn_seconds.labels)
        self.turns_in_flight = cache(made.turns_in_flight.labels)
        self.spending = cache(self._spending)
        self.calls = cache(made.calls.labels)
        self.tool_seconds = cache(made.tool_seconds.labels)
        self.tool_errors = cache(made.tool_errors.labels)
        self.dry_calls = cache(made.dry_calls.labels)
        self.escalations = cache(made.escalations.labels)
        self.escalation_cost = cache(made.escalation_cost.labels)
        self.slots = {role: self._slots(role, count) for role, count in (slots or {}).items()}

    def _slots(self, role: str, count: int) -> Slots:
        made = self.instruments
        made.engine_slots.labels(role).set(count)
        waiting = made.turns_waiting.labels(role)
        waiting.set(0)
        return Slots(count, made.queue_seconds.labels(role).observe, waiting.set)

    def _spending(self, role: str, model: str) -> _Spending:
        tokens = self.instruments.tokens.labels
        return _Spending(
            prompt=tokens(role, model, "prompt"),
            completion=tokens(role, model, "completion"),
            cached=tokens(role, model, "cached"),
            cost=self.instruments.cost.labels(role, model),
        )

    def begin(self, request: RunRequest) -> _RunWatch:
        """A run is about to begin."""
        return _RunWatch(self, request)


@dataclass(frozen=True, slots=True)
class _Spending:
    """What a model in a role has used."""

    prompt: Count | Counter
    completion: Count | Counter
    cached: Count | Counter
    cost: Count | Counter


class _RunWatch:
    """One run: when it began, the turn that is open, how it ended."""

    __slots__ = ("_began", "_model", "_notes", "_of", "_request", "_role", "_stop")

    def __init__(self, of: RunMetrics, request: RunRequest) -> None:
        self._of = of
        self._request = request
        self._began = perf_counter()
        self._notes = self._until_text
        self._role: str | None = None  # of the turn that is open
        self._model = OTHER
        self._stop = ""
        of.instruments.runs_in_flight.inc()

    def see(self, event: RunEvent) -> None:
        if (note := self._notes.get(type(event))) is not None:
            note(self, event)

    def end(self, ending: Ending, error: BaseException | None) -> None:  # noqa: ARG002 - the seam
        self._abandon_turn("failed" if ending in {"finished", "failed"} else "cancelled")
        made = self._of.instruments
        made.runs_in_flight.dec()
        made.run_seconds.observe(perf_counter() - self._began)
        self._of.runs(self._of.role(self._request.role), self._stop or ending).inc()

    def _note_first_text(self, _: TextDelta) -> None:
        self._notes = self._after_text
        self._of.instruments.first_token_seconds.observe(perf_counter() - self._began)

    def _open_turn(self, event: TurnStarted) -> None:
        self._abandon_turn("failed")  # no TurnFinished came: the model could not be heard
        self._role, self._model = self._of.role(event.role), self._of.model(event.model)
        self._of.turns_in_flight(self._role).inc()
        if (slots := self._of.slots.get(self._role)) is not None:
            slots.enter(self, perf_counter())

    def _close_turn(self, event: TurnFinished) -> None:
        role, model = self._role, self._model
        if role is None:
            return
        self._leave(role)
        self._of.turns(role, self._of.finish(event.finish_reason)).inc()
        self._of.turn_seconds(role).observe(event.elapsed_s)
        if (served := event.served) is not None:
            self._of.tier_turns(served.tier, self._request.priority, served.why).inc()
            model = self._of.model(served.model)
        self._spend(role, model, event.usage, event.cost_usd)

    def _accept(self, event: CallAccepted) -> None:
        tool = CLIENT if event.client else self._of.tool(event.call.name)
        self._of.calls(tool, "repaired" if event.call.repairs else "valid").inc()

    def _refuse(self, event: CallRefused) -> None:
        verdict = "denied" if event.invalid is None else "invalid"
        self._of.calls(self._of.tool(event.name), verdict).inc()

    def _lend(self, event: Escalated) -> None:
        result = "failed" if event.receipt.failed else "decided"
        first = event.receipt.reason.partition("+")[0]  # what it was joined to by &
        reason = self._of.reason(first)
        self._of.escalations(reason, result).inc()
        dear = event.receipt.cost_usd + event.receipt.doubted_cost_usd
        self._of.escalation_cost(reason).inc(dear)

    def _finish(self, event: RunFinished) -> None:
        self._stop = event.outcome.stop
        if event.outcome.incomplete is not None:
            self._of.incomplete(self._of.missing(event.outcome.incomplete.reason)).inc()

    def _count_summary(self, event: ContextShortened) -> None:
        receipt = event.receipt
        if receipt.role:
            model = self._of.model(receipt.model)
            self._spend(receipt.role, model, receipt.usage, receipt.cost_usd)

    def _spend(self, role: str, model: str, usage: Usage, cost_usd: float) -> None:
        spending = self._of.spending(role, model)
        spending.prompt.inc(usage.prompt_tokens)
        spending.completion.inc(usage.completion_tokens)
        spending.cached.inc(usage.cached_tokens)
        spending.cost.inc(cost_usd)

    def _abandon_turn(self, finish: str) -> None:
        if (role := self._role) is not None:
            self._leave(role)
            self._of.turns(role, finish).inc()

    def _leave(self, role: str) -> None:
        self._role = None
        self._of.turns_in_flight(role).dec()
        if (slots := self._of.slots.get(role)) is not None:
            slots.leave(self, perf_counter())

    def _observe(self, event: Observation) -> None:
        result = event.result
        if result.failure in _NOT_RUN:
            return  # counted as a call that was refused
        tool = self._of.tool(result.name)
        if result.dry:  # of no tool's time
            self._of.dry_calls(tool).inc()
            return
        self._of.tool_seconds(tool).observe(result.elapsed_s)
        if result.failure is not None:
            self._of.tool_errors(tool, result.failure.value).inc()

    # By type, since every event of every run comes here; of the texts only the first is noted.
    _after_text: ClassVar[_Notes] = {
        ContextShortened: _count_summary,
        TurnStarted: _open_turn,
        TurnFinished: _close_turn,
        CallAccepted: _accept,
        CallRefused: _refuse,
        Observation: _observe,
        Escalated: _lend,
        RunFinished: _finish,
    }
    _until_text: ClassVar[_Notes] = {
        **_after_text,
        TextDelta: _note_first_text,
    }
