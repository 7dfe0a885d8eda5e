"""The two tiers of the intermediary, as the settings want them, and what watches their load."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.priorities import Priorities, PriorityRule
from gateway.settings import Settings
from gateway.settings.tiers import OverflowSettings, TiersSettings
from routing.backend import ModelBackend
from routing.gauge import Gauge, LoadWatch
from routing.router import Router
from routing.switch import Thresholds
from routing.tiers import Sight, Tier, Tiered


def tiered(
    settings: TiersSettings,
    first: tuple[ModelBackend, Sequence[Gauge]],
    overflow: tuple[OverflowSettings, ModelBackend, Sequence[Gauge]],
) -> Tiered:
    """Both tiers as one backend."""
    backend, gauges = first
    wanted, other, other_gauges = overflow
    turns = wanted.turns
    if turns is None and wanted.model.backend == "llamacpp":
        turns = wanted.model.llamacpp.slots
    waiting = turns if wanted.most_waiting is None else wanted.most_waiting
    return Tiered(
        Tier(settings.name, backend, settings.turns, gauges=gauges),
        Tier(wanted.name, other, turns, waiting, other_gauges),
        Thresholds(
            settings.full, settings.room, settings.queue_s, settings.queue_room_s, settings.dwell_s
        ),
    )


def watch_load(
    settings: TiersSettings,
    router: Router,
    gauges: Sequence[Gauge],
    see: Callable[[Sequence[Sight]], object],
) -> tuple[LoadWatch, ...]:
    """What reads the engines' load for as long as the application runs; `see` hears of the tiers."""
    backend = router.members["intermediary"].backend
    if isinstance(backend, Tiered):
        return (LoadWatch(gauges, settings.read_every_s, lambda: see(backend.look())),)
    return (LoadWatch(gauges, settings.read_every_s),) if gauges else ()


def build_priorities(settings: Settings) -> Priorities:
    """In their order, of which the first that is for somebody counts."""
    return Priorities(
        tuple(
            PriorityRule(each.most, each.default, each.tenants, each.keys)
            for each in settings.priorities
        )
    )
