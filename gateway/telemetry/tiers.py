"""Tiers of engines as metrics. Their names are the operator's, so there are few."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gateway.telemetry.instruments import Instruments
from routing.tiers import Sight


def tell_tiers(made: Instruments, sights: Sequence[Sight]) -> None:
    """How each tier stands now; what is not known is not a number."""
    for sight in sights:
        made.tier_running.labels(sight.tier).set(sight.running)
        made.tier_waiting.labels(sight.tier).set(sight.waiting)
        made.tier_full.labels(sight.tier).set(sight.full)
        for gauge, told in (
            (made.tier_kv_cache, sight.load.kv_cache),
            (made.tier_queue, sight.load.queue_s),
        ):
            gauge.labels(sight.tier).set(math.nan if told is None else told)
