"""What to do about a schedule whose time has come: once, also where it came several times and nobody looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.schedules.when import When, last_until

Missed = Literal["one", "all", "none"]
"""What becomes of times that passed while no gateway looked: one run for all, one each, or none."""

LATE_S = 60.0
"""A time that is not later than this was not missed."""


@dataclass(frozen=True, slots=True)
class Due:
    """`at` is the time that a run is for, `since` the first of those that it stands for.

    `next_at` is what comes then, None after the last. `is_dropped` when it was missed and is not wanted.
    """

    at: float
    since: float
    next_at: float | None
    is_dropped: bool = False


def due(when: When, missed: Missed, next_at: float, now: float) -> Due:
    """What is due at `now`, of a schedule whose next time was `next_at`, which is not later."""
    following = when.after(next_at)
    if missed == "all" or following is None or following > now:
        at = next_at
    else:
        at = last_until(when, next_at, now)
        following = when.after(at)
    return Due(at, next_at, following, is_dropped=missed == "none" and now - at > LATE_S)
