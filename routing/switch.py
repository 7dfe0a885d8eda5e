"""Whether turns that can wait leave a loaded tier of engines: the decision, and nothing else.

Pure: the clock and what the engines told are handed in. Above its threshold a tier is *full*, and stays so
until it is below a lower one; between two changes lies a dwell at least, so that it can't flap. Only turns
of low priority are sent elsewhere, and never in the middle of a tool loop, whose prompt the tier has cached.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from routing.priority import Priority

Why = Literal["priority", "room", "full", "loop", "overflow_full", "unavailable"]
"""Why a turn went where it went: what can't wait is not moved, the first tier has room or is full, the tool
loop began there, the other tier has no room either, the tier before it could not be reached."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a tier becomes full, and when it has room again.

    `full` and `room` are shares, of the KV cache and of the turns that a tier takes at once; `queue_s` and
    `queue_room_s` bound the wait in its queue, `dwell_s` the time between two changes, all in seconds.
    """

    full: float = 0.8
    room: float = 0.6
    queue_s: float = 1.0
    queue_room_s: float = 0.25
    dwell_s: float = 10.0


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Load:
    """What is known of a tier now; None is what nobody told, or told too long ago.

    `kv_cache` and `turns` are shares, the latter of the turns that it takes at once and may be above 1.
    """

    kv_cache: float | None = None
    queue_s: float | None = None
    turns: float | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a tier is full, since when (a reading of the same clock), and what showed it."""

    full: bool = False
    since: float = -math.inf
    shown_by: str = ""


def next_standing(before: Standing, load: Load, now: float, limits: Thresholds) -> Standing:
    """The standing of a tier at `now`. What is not known speaks neither for nor against."""
    if now - before.since < limits.dwell_s:
        return before
    if not before.full:
        shown_by = _above(load, limits.full, limits.queue_s)
        return Standing(full=True, since=now, shown_by=shown_by) if shown_by else before
    if _above(load, limits.room, limits.queue_room_s):
        return before
    return Standing(full=False, since=now)


def _above(load: Load, share: float, queue_s: float) -> str:
    """The first measure at or above its bound, as people read it; empty when there is none."""
    if load.kv_cache is not None and load.kv_cache >= share:
        return f"KV cache {load.kv_cache:.0%}"
    if load.turns is not None and load.turns >= share:
        return f"turns {load.turns:.0%}"
    if load.queue_s is not None and load.queue_s >= queue_s:
        return f"queue {load.queue_s:.2f} s"
    return ""


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Choice:
    """Whether a turn goes to the overflow tier, and why."""

    overflow: bool
    why: Why


def choose(
    priority: Priority, *, full: bool, began_in_overflow: bool | None, overflow_full: bool
) -> Choice:
    """Where a turn goes. `began_in_overflow` is where its tool loop runs, None when it begins one."""
    if priority != "low":
        return Choice(overflow=False, why="priority")
    if began_in_overflow is not None:
        return Choice(began_in_overflow, "loop")
    if not full:
        return Choice(overflow=False, why="room")
    if overflow_full:
        return Choice(overflow=False, why="overflow_full")
    return Choice(overflow=True, why="full")
