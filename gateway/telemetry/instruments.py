"""The gateway's metrics by name: what there is, its labels and its units. docs/telemetry.md lists them.

Times in seconds, money in US dollars, memory in bytes. Every label is bounded (`labels`). One process keeps
plain numbers (`series`). Several workers, any of which answers for all (`workers`), keep theirs in files, which
prometheus_client's own metrics write with each change: so what a worker counted before it died is not lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from gateway.telemetry.series import Counters, Gauges, Histograms, Level, Spread
from gateway.telemetry.workers import are_several

disable_created_metrics()  # a second series for every counter, which nothing here reads

_RUN_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
_TURN_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
_FIRST_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 30, 60)
_TOOL_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LATE_S = (0.5, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400)
_QUEUE_S = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

_OfAll = Literal["livesum", "livemax", "livemostrecent"]
_F = TypeVar("_F", Counters, Gauges, Histograms)


class Instruments:
    """One set of metrics in a registry of its own, so that two gateways in a process stay apart."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._are_several = are_several()
        self.requests = self._counter(
            "requests", "HTTP requests that were answered", "surface", "status"
        )
        self.runs = self._counter("runs", "Runs that ended, by the model asked for", "role", "stop")
        self.runs_in_flight = _level(self._gauge("runs_in_flight", "Runs that are going on"))
        self.run_seconds = _spread(
            self._histogram("run_seconds", "From a run's start to its end", _RUN_S)
        )
        self.first_token_seconds = _spread(
            self._histogram(
                "time_to_first_token_seconds", "From a run's start to its first text", _FIRST_S
            )
        )
        self.incomplete = self._counter(
            "incomplete",
            "Runs that could not do all that was asked, by what stopped them",
            "reason",
        )
        self.tokens = self._counter(
            "tokens",
            "Tokens; `cached` is the part of `prompt` read from cache",
            "role",
            "model",
            "kind",
        )
        self.turns = self._counter("turns", "Model turns, by how they ended", "role", "finish")
        self.turn_seconds = self._histogram("turn_seconds", "One model turn", _TURN_S, "role")
        self.turns_in_flight = self._gauge(
            "turns_in_flight", "Model turns that run or wait for the engine", "role"
        )
        self.calls = self._counter(
            "calls",
            "Calls of models, by verdict: valid, repaired, invalid, denied",
            "tool",
            "verdict",
        )
        self.tool_seconds = self._histogram(
            "tool_seconds", "One tool call, all its attempts", _TOOL_S, "tool"
        )
        self.retrieval_fallbacks = self._counter(
            "retrieval_fallbacks",
            "Choices among many tools by words alone, though embeddings are configured",
            "why",
        )
        self.dry_calls = self._counter(
            "dry_calls", "Calls that were told and not made: dry runs", "tool"
        )
        self.tool_errors = self._counter(
            "tool_errors", "Tool calls that failed, by why", "tool", "failure"
        )
        self.escalations = self._counter(
            "escalations", "Decisions lent to the expert, by why", "reason", "result"
        )
        self.escalation_cost = self._counter(
            "escalation_cost_usd",
            "What lent decisions cost on top: the expert's turn and the doubted one, in US dollars",
            "reason",
        )
        self.cost = self._counter(
            "cost_usd", "What model turns cost, in US dollars", "role", "model"
        )
        self.budget_spent = self._counter(
            "budget_spent_usd", "What was booked to a budget, in US dollars", "budget"
        )
        self.budget_refusals = self._counter(
            "budget_refusals",
            "Turns that were not asked for: a budget had not enough left",
            "budget",
        )
        self.budget_reserved = self._gauge(
            "budget_reserved_usd", "Set aside for turns that run here, in US dollars", "budget"
        )
        self.budget_used = self._gauge(
            "budget_used_ratio",
            "Taken of the limit of the last account of a budget that was asked",
            "budget",
            of_all="livemostrecent",
        )
        self.schedule_fires = self._counter(
            "schedule_fires",
            "Times of schedules that came: started, skipped, failed, or the schedule was stopped",
            "outcome",
        )
        for outcome in ("started", "skipped", "failed", "stopped"):
            self.schedule_fires.labels(outcome)  # the first one that fails is an increase, too
        self.schedule_late_seconds = _spread(
            self._histogram(
                "schedule_late_seconds", "From a schedule's time to the begin of its run", _LATE_S
            )
        )
        # Of the stores, which all workers share: who was asked last knows best.
        self.backlog = self._gauge(
            "backlog",
            "What waits in the stores, of all gateways: background, schedules, approvals, effects",
            "of",
            of_all="livemostrecent",
        )
        self.backlog_oldest = self._gauge(
            "backlog_oldest_seconds",
            "How long the oldest of what waits has waited; 0 for nothing",
            "of",
            of_all="livemostrecent",
        )
        self.tier_turns = self._counter(
            "tier_turns",
            "Model turns by the tier that answered, and why it",
            "tier",
            "priority",
            "why",
        )
        self.tier_running = self._gauge("tier_running", "Turns that a tier has", "tier")
        self.tier_waiting = self._gauge("tier_waiting", "Turns that wait for a tier", "tier")
        # Of a tier; each worker knows it by itself, and the highest is told.
        self.tier_full = self._gauge(
            "tier_full",
            "Whether what can wait is kept out of a tier, 1 or 0",
            "tier",
            of_all="livemax",
        )
        self.tier_kv_cache = self._gauge(
            "tier_kv_cache_ratio",
            "Of a tier's engines, as they told last; their mean",
            "tier",
            of_all="livemax",
        )
        self.tier_queue = self._gauge(
            "tier_queue_seconds",
            "How long turns waited in a tier's queue lately",
            "tier",
            of_all="livemax",
        )
        self.queue_seconds = self._histogram(
            "queue_seconds",
            "A turn's wait for a slot of the engine in this process",
            _QUEUE_S,
            "role",
        )
        self.turns_waiting = self._gauge(
            "turns_waiting", "Turns that wait for a slot of the engine in this process", "role"
        )
        self.engine_slots = self._gauge(
            "engine_slots", "Slots of the engine in this process", "role"
        )

    def _counter(self, name: str, told: str, *labels: str) -> Counters | Counter:
        name = f"gateway_{name}"
        if self._are_several:
            return Counter(name, told, labels, registry=self.registry)
        return self._told(Counters(name, told, labels))

    def _gauge(
        self, name: str, told: str, *labels: str, of_all: _OfAll = "livesum"
    ) -> Gauges | Gauge:
        """`of_all` says which value of several workers is told."""
        name = f"gateway_{name}"
        if self._are_several:
            return Gauge(name, told, labels, registry=self.registry, multiprocess_mode=of_all)
        return self._told(Gauges(name, told, labels))

    def _histogram(
        self, name: str, told: str, buckets: Sequence[float], *labels: str
    ) -> Histograms | Histogram:
        name = f"gateway_{name}"
        if self._are_several:
            return Histogram(name, told, labels, registry=self.registry, buckets=buckets)
        return self._told(Histograms(name, told, labels, buckets=buckets))

    def _told(self, family: _F) -> _F:
        self.registry.register(family)
        return family


def _level(of: Gauges | Gauge) -> Level | Gauge:
    """The one series of a gauge without labels."""
    return of.labels() if isinstance(of, Gauges) else of


def _spread(of: Histograms | Histogram) -> Spread | Histogram:
    """The one series of a histogram without labels."""
    return of.labels() if isinstance(of, Histograms) else of
