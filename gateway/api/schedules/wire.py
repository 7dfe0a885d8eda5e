"""What `POST` and `PATCH` of `/v1/schedules` may say, and how a schedule and its runs are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.errors import ApiError
from gateway.schedules.due import Missed
from gateway.schedules.plan import Overlap, Plan
from gateway.storage.schedules import Fire, Schedule

_LONGEST_S = 10 * 366 * 86_400
_KINDS = ("cron", "every_s", "at")


class _Wire(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


class NewTimes(_Wire):
    """When: exactly one of `cron`, `every_s` and `at`."""

    cron: Annotated[str | None, Field(max_length=200)] = None
    """Five fields: minute, hour, day of the month, month, day of the week."""
    every_s: Annotated[float | None, Field(gt=0, le=_LONGEST_S)] = None
    """Seconds between two runs, reckoned from when the schedule was made."""
    at: Annotated[str | None, Field(max_length=64)] = None
    """One time, such as `2027-01-31T09:00:00+01:00`."""
    time_zone: Annotated[str | None, Field(max_length=64)] = None
    """Of `cron`, and of an `at` without an offset: a name such as `Europe/Paris`; UTC without it."""

    def as_data(self) -> dict[str, Any]:
        """What was said. Raises `ApiError` unless it is one thing."""
        said = self.model_dump(exclude_none=True)
        if sum(kind in said for kind in _KINDS) != 1:
            problem = f"say one of {', '.join(_KINDS)}"
            raise ApiError(400, problem, param="when", code="mutually_exclusive_parameters")
        if "time_zone" in said and "every_s" in said:
            problem = "an interval is the same in every time zone"
            raise ApiError(400, problem, param="when.time_zone", code="invalid_value")
        return said


class NewSchedule(_Wire):
    """A request, and when it comes."""

    when: NewTimes
    request: dict[str, Any]
    """A body of `POST /v1/responses`; it is answered in the background."""
    name: Annotated[str, Field(max_length=100)] = ""
    """For people."""
    missed: Missed = "one"
    """For times that passed while no gateway ran: one run for all, one each, or none."""
    overlap: Overlap = "skip"
    """When the run before still goes: this one is left out, or waits for its end."""

    def plan(self) -> Plan:
        """What is kept. Raises `ApiError`."""
        for name in ("stream", "background"):
            if name in self.request:
                problem = "a schedule's responses are made in the background: leave it out"
                raise ApiError(400, problem, param=f"request.{name}", code="invalid_value")
        if self.missed == "none" and self.overlap == "queue":
            problem = "with overlap: queue a run may come late, which missed: none would drop"
            raise ApiError(400, problem, param="missed", code="mutually_exclusive_parameters")
        when = self.when.as_data()
        return Plan(when, self.request, self.name, self.missed, self.overlap)


class ScheduleChange(_Wire):
    """What is to be another; what is left out, or null, stays as it is."""

    when: NewTimes | None = None
    request: dict[str, Any] | None = None
    name: Annotated[str | None, Field(max_length=100)] = None
    missed: Missed | None = None
    overlap: Overlap | None = None

    def on(self, plan: Mapping[str, Any]) -> Plan:
        """The plan with this in it. Raises `ApiError`."""
        said = {name: value for name, value in self if value is not None}
        kept = {**plan, "when": NewTimes.model_validate(plan["when"])}
        return NewSchedule.model_validate({**kept, **said}).plan()


def as_data(schedule: Schedule) -> dict[str, Any]:
    """A schedule as it is told."""
    return {
        "object": "schedule",
        "id": schedule.id,
        "created_at": schedule.created_at,
        "made_by": schedule.key or None,
        "state": schedule.state,
        "reason": schedule.reason or None,
        "next_at": schedule.next_at,
        "fires": schedule.fires,
        "last_response_id": schedule.last_response_id,
        **schedule.plan,
    }


def run_as_data(fire: Fire, response: Mapping[str, Any] | None) -> dict[str, Any]:
    """One run, with what became of its response, as long as that is kept."""
    return {
        "object": "schedule.run",
        "number": fire.number,
        "due_at": fire.due_at,
        "since": fire.since,
        "fired_at": fire.fired_at,
        "outcome": fire.outcome,
        "reason": fire.reason or None,
        "response_id": fire.response_id,
        "run_id": fire.run_id,
        "status": response["status"] if response else None,
    }
