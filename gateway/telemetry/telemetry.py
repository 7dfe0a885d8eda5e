"""What the surfaces get of telemetry: requests counted, metrics told, runs watched."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from gateway.services import Runner
from gateway.storage.waiting import Waiting
from gateway.telemetry.budgets import BudgetMetrics
from gateway.telemetry.labels import one_of
from gateway.telemetry.metrics import RunMetrics
from gateway.telemetry.observing import ObservedLoop, Observer
from gateway.telemetry.tiers import tell_tiers
from gateway.telemetry.tracing import Tracing
from gateway.telemetry.workers import MEDIA_TYPE, exposition
from routing.tiers import Sight

SURFACES = "chat responses conversations models tools runs schedules mcp health metrics console docs".split()
_STATUSES = tuple(str(status) for status in range(100, 600))


@dataclass(frozen=True)
class Telemetry:
    """`metrics` and `tracing` are None where they are off."""

    metrics: RunMetrics | None = None
    tracing: Tracing | None = None

    @property
    def media_type(self) -> str:
        """Of `exposition`."""
        return MEDIA_TYPE

    @cached_property
    def count_request(self) -> Callable[[str, int], None]:
        """Counts an answered HTTP request by the path that was asked for and the answer's status."""
        if self.metrics is None:
            return lambda _path, _status: None
        counter = self.metrics.instruments.requests
        child = cache(counter.labels)
        known, valid = one_of(SURFACES), one_of(_STATUSES)

        def count(path: str, status: int) -> None:
            child(known(surface(path)), valid(str(status))).inc()

        return count

    def watched(self, loop: Runner) -> Runner:
        """`loop`, with its runs watched; the same one when nothing is on."""
        observers: list[Observer] = [one for one in (self.metrics, self.tracing) if one is not None]
        return ObservedLoop(loop, observers) if observers else loop

    async def exposition(self) -> bytes | None:
        """All metrics in Prometheus' text format; None when they are off."""
        if self.metrics is None:
            return None
        return await asyncio.to_thread(exposition, self.metrics.instruments.registry)

    @property
    def budgets(self) -> BudgetMetrics | None:
        """What hears of money that is taken."""
        return None if self.metrics is None else BudgetMetrics(self.metrics.instruments)

    def without_embeddings(self, why: str) -> None:
        """Count that tools were chosen by their words alone."""
        if self.metrics is not None:
            self.metrics.instruments.retrieval_fallbacks.labels(why).inc()

    def schedule_fired(self, outcome: str) -> None:
        """Count what became of a schedule's time."""
        if self.metrics is not None:
            self.metrics.instruments.schedule_fires.labels(outcome).inc()

    def schedule_late(self, seconds: float) -> None:
        """Tell how long after its time a run began."""
        if self.metrics is not None:
            self.metrics.instruments.schedule_late_seconds.observe(seconds)

    def see_tiers(self, sights: Sequence[Sight]) -> None:
        """Tell how tiers of engines stand."""
        if self.metrics is not None:
            tell_tiers(self.metrics.instruments, sights)

    def see_backlog(self, found: Mapping[str, Waiting | None], now: float) -> None:
        """Tell what waits; what is not known is not a number."""
        if self.metrics is not None:
            made = self.metrics.instruments
            for kind, waits in found.items():
                since = now if waits is None or waits.since is None else waits.since
                age = math.nan if waits is None else max(0.0, now - since)
                made.backlog.labels(kind).set(math.nan if waits is None else waits.count)
                made.backlog_oldest.labels(kind).set(age)

    @property
    def closers(self) -> tuple[Callable[[], Awaitable[object]], ...]:
        """To be awaited when the gateway stops."""
        return () if self.tracing is None else (self.tracing.aclose,)


def surface(path: str) -> str:
    """The part of the REST surface that a path belongs to, unbounded: `/v1/tools/x` is `tools`."""
    first, _, rest = path.removeprefix("/").removeprefix("v1/").partition("/")
    match first:
        case "chat":
            return "chat" if rest == "completions" else "other"
        case "healthz" | "readyz":
            return "health"
        case "openapi.json":
            return "docs"
        case _:
            return first
