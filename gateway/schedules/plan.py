"""What a tenant asked for, as it is kept: JSON data, and the times in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from gateway.schedules.due import Missed
from gateway.schedules.when import Cron, Every, NoSuchTime, Once, When, zone

Overlap = Literal["skip", "queue"]
"""What happens to a run whose predecessor still goes: it is left out, or waits for the end of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`request` is a body of `POST /v1/responses`; `when` holds `cron` and `time_zone`, `every_s`, or `at`."""

    when: Mapping[str, Any]
    request: Mapping[str, Any]
    name: str = ""
    missed: Missed = "one"
    overlap: Overlap = "skip"

    def as_data(self) -> dict[str, Any]:
        """As JSON data, of which `Plan(**data)` makes it again."""
        return asdict(self)

    def times(self, start: float) -> When:
        """The times that are meant; an interval begins at `start`. Raises `NoSuchTime`."""
        when = self.when
        if when.get("cron") is not None:
            return Cron(when["cron"], when.get("time_zone") or "UTC")
        if when.get("every_s") is not None:
            return Every(when["every_s"], start)
        return Once(moment(when["at"], when.get("time_zone")))


def moment(text: str, time_zone: str | None) -> float:
    """A date and time, in seconds since the epoch; without an offset of its own it is of the zone.

    Raises `NoSuchTime`.
    """
    try:
        told = datetime.fromisoformat(text)
        if told.tzinfo is None:
            told = told.replace(tzinfo=zone(time_zone or "UTC"))
        return told.timestamp()
    except NoSuchTime:
        raise
    except (ValueError, OverflowError, OSError) as error:
        problem = f"{text[:64]!r} is no date and time, such as 2027-01-31T09:00:00+01:00"
        raise NoSuchTime("at", problem) from error
