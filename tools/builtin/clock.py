"""`current_time` and `convert_time`: what the clock says in a place, daylight saving included.

What it is: two functions of a clock, which tests replace.
What it is not: the reading of places (`tools.builtin.places`) and times (`tools.builtin.time_of_day`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tools.builtin.places import find_zone
from tools.builtin.time_of_day import read_time
from tools.spec import JSONObject

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The machine's clock, aware, in UTC."""
    return datetime.now(UTC)


def current_time(place: str, now: Now = utc_now) -> JSONObject:
    """`{"timezone", "time", "weekday"}` in a place. Raises `ToolFailed` for an unknown place."""
    name, zone = find_zone(place)
    there = now().astimezone(zone)
    return {
        "timezone": name,
        "time": f"{there:%Y-%m-%d %H:%M}",
        "weekday": _WEEKDAYS[there.weekday()],
    }


def convert_time(said: str, from_place: str, to_place: str, now: Now = utc_now) -> JSONObject:
    """`{"time", "timezone", "day"}` at the other place when it is `said` at the first, today there.

    Raises `ToolFailed` for an unknown place and for what is no time of day.
    """
    _, here = find_zone(from_place)
    name, there = find_zone(to_place)
    today = now().astimezone(here).date()
    start = datetime.combine(today, read_time(said), here)
    end = start.astimezone(there)
    return {"time": f"{end:%H:%M}", "timezone": name, "day": _day((end.date() - today).days)}


def _day(later: int) -> str:
    """Across the date line it can be two days."""
    if later == 0:
        return "same day"
    if abs(later) == 1:
        return "next day" if later > 0 else "previous day"
    return f"{abs(later)} days {'later' if later > 0 else 'earlier'}"
