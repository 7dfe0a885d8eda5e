"""The times of a schedule: a cron expression in a time zone, an interval, or one time.

Each answers one question, what its next time after a moment is; moments are seconds since the epoch. Cron
expressions have five fields and mean what Debian's cron makes of them: a time of day that clocks skip comes
when they have skipped it, one that they show twice comes once, and what is due every so many minutes or hours
does not mind them (`cronsim`, which is known here alone).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_FIELDS = 5
_LONGEST = 200
_LOOKED_AT = 50


class NoSuchTime(ValueError):
    """These are no times. `part` is which of the words is at fault."""

    def __init__(self, part: str, problem: str) -> None:
        super().__init__(problem)
        self.part = part


class When(Protocol):
    """Times, in their order."""

    def after(self, moment: float) -> float | None:
        """The first one that is later than `moment`; None when there is none."""
        ...


@dataclass(frozen=True)
class Cron:
    """What an expression names in a time zone. Raises `NoSuchTime` when it is made."""

    expression: str
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        if len(self.expression.split()) != _FIELDS or len(self.expression) > _LONGEST:
            problem = "five fields are wanted: minute hour day-of-month month day-of-week"
            raise NoSuchTime("cron", problem)
        self._times(0.0)

    def after(self, moment: float) -> float | None:
        times = self._times(moment)
        # Where clocks are set back, or skip, several local times are one moment, or lie behind it.
        while (found := next(times, None)) is not None:
            if (at := found.timestamp()) > moment:
                return at
        return None

    @cached_property
    def _zone(self) -> tzinfo:
        return zone(self.time_zone)

    def _times(self, moment: float) -> CronSim:
        try:
            return CronSim(self.expression, datetime.fromtimestamp(moment, self._zone))
        except CronSimError as error:
            raise NoSuchTime("cron", f"{str(error).lower()} in {self.expression!r}") from error


@dataclass(frozen=True, slots=True)
class Every:
    """Each `seconds`, reckoned from `start`: however late one was, the next is not."""

    seconds: float
    start: float

    def after(self, moment: float) -> float | None:
        passed = math.floor((moment - self.start) / self.seconds)
        at = self.start + max(passed + 1, 1) * self.seconds
        return at if at > moment else at + self.seconds  # what rounding took


@dataclass(frozen=True, slots=True)
class Once:
    """One time."""

    at: float

    def after(self, moment: float) -> float | None:
        return self.at if self.at > moment else None


def zone(name: str) -> tzinfo:
    """The time zone of this name (`Europe/Paris`). Raises `NoSuchTime`."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise NoSuchTime("time_zone", f"there is no time zone {name[:64]!r}") from error


def last_until(when: When, first: float, moment: float) -> float:
    """The last time that is not later than `moment`; `first` is one of those."""
    early, late = first, moment
    while (at := when.after(early)) is not None and at <= moment:
        # Halve what lies between, in time: there may be a million times, of which one is wanted.
        middle = max((at + late) / 2, at)
        between = when.after(middle)
        if between is not None and between <= moment:
            early, first = middle, between
        else:
            early, first, late = at, at, middle
    return first


def shortest_gap(when: When, moment: float) -> float:
    """The least time between two of the next fifty, in seconds."""
    gap, before = math.inf, when.after(moment)
    for _ in range(_LOOKED_AT):
        if before is None or (at := when.after(before)) is None:
            break
        gap, before = min(gap, at - before), at
    return gap
