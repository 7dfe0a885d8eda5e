"""`/v1/schedules`: make, list, read, edit, pause, resume and delete schedules, and see what they ran."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from gateway.access.check import KeyRefused
from gateway.access.principal import Principal
from gateway.api.access import Tenant, UsesServices
from gateway.api.auth import Caller
from gateway.api.body import read_model
from gateway.api.encoding import document, encode
from gateway.api.errors import ApiError
from gateway.api.openapi import json_body
from gateway.api.schedules.checks import (
    first_of,
    require_answerable,
    require_key,
    require_rare,
    times,
)
from gateway.api.schedules.editing import edited
from gateway.api.schedules.owner import owner_of
from gateway.api.schedules.wire import NewSchedule, ScheduleChange, as_data, run_as_data
from gateway.schedules.plan import Plan
from gateway.services import Services
from gateway.storage.schedules import RUNS_KEPT, Schedule, TooManySchedules

router = APIRouter(prefix="/v1/schedules", tags=["schedules"])

_SHOWN = 20
_TRIES = 5


@router.post("", status_code=201, openapi_extra=json_body(NewSchedule))
async def create_schedule(request: Request, services: UsesServices, caller: Caller) -> Response:
    """Keep a request that comes again by itself, with the authority of the key that makes it.

    The request is checked as if it came now.
    """
    plan = (await read_model(NewSchedule, request)).plan()
    require_key(caller)
    now = services.clock()
    when = times(plan, now)
    require_rare(when, now, services.schedule_bounds.min_interval_s)
    first = first_of(when, now)
    await require_answerable(plan, services, caller)
    made = Schedule(
        tenant=caller.tenant,
        id=f"sched_{secrets.token_hex(12)}",
        created_at=now,
        key=caller.key,
        role=caller.role,
        plan=plan.as_data(),
        next_at=first,
        look_at=first,
    )
    try:
        await services.schedules.add(made, services.schedule_bounds.of_tenant)
    except TooManySchedules as error:
        problem = f"{error}: delete one first"
        raise ApiError(409, problem, code="too_many_schedules") from error
    await services.audit.write(caller, "create_schedule", made.id)
    return Response(encode(as_data(made)), 201, media_type="application/json")


@router.get("")
async def list_schedules(services: UsesServices, tenant: Tenant) -> Response:
    """All schedules of the caller's tenant, newest first."""
    found = await services.schedules.list(tenant)
    return document({"object": "list", "data": [as_data(each) for each in found]})


@router.get("/{schedule_id}")
async def get_schedule(schedule_id: str, services: UsesServices, tenant: Tenant) -> Response:
    """One schedule: what it asks, when it comes next, and why it does not."""
    return document(as_data(await _found(services, tenant, schedule_id)))


@router.patch("/{schedule_id}", openapi_extra=json_body(ScheduleChange))
async def edit_schedule(
    schedule_id: str, request: Request, services: UsesServices, caller: Caller
) -> Response:
    """Change what is named of it, and let it act for the key that does so.

    It is checked as if it were made now. A paused one stays paused; one that was stopped, or done, goes on.
    """
    change = await read_model(ScheduleChange, request)
    for _ in range(_TRIES):  # it may fire just now, which changes it too
        found = await _found(services, caller.tenant, schedule_id)
        changed = await edited(found, change, services, caller)
        if await services.schedules.edit(found, changed):
            await services.audit.write(caller, "edit_schedule", schedule_id)
            return document(as_data(await _found(services, caller.tenant, schedule_id)))
    raise _changed()


@router.get("/{schedule_id}/runs")
async def list_schedule_runs(
    schedule_id: str,
    services: UsesServices,
    tenant: Tenant,
    limit: Annotated[int, Query(ge=1, le=RUNS_KEPT)] = _SHOWN,
) -> Response:
    """Its last runs, newest first: what was due, whether it began and why not, and what became of it."""
    await _found(services, tenant, schedule_id)
    data: list[dict[str, Any]] = []
    for fire in await services.schedules.fires(tenant, schedule_id, limit):
        name = fire.response_id
        stored = None if name is None else await services.responses.get(tenant, name)
        data.append(run_as_data(fire, stored and stored.document))
    return document({"object": "list", "data": data})


@router.post("/{schedule_id}/pause")
async def pause_schedule(schedule_id: str, services: UsesServices, caller: Caller) -> Response:
    """Begin no further run until it is resumed; what runs goes on."""
    for _ in range(_TRIES):  # it may fire just now, which changes it too
        found = await _found(services, caller.tenant, schedule_id)
        if found.state == "paused":
            return document(as_data(found))
        if found.state != "active":
            raise _wrong_state(found, "only an active one can be paused")
        if (moved := await _moved(services, caller, found, "pause_schedule", None)) is not None:
            return moved
    raise _changed()


@router.post("/{schedule_id}/resume")
async def resume_schedule(schedule_id: str, services: UsesServices, caller: Caller) -> Response:
    """Go on with its next time from now; times that passed meanwhile are not made up for."""
    found = await _found(services, caller.tenant, schedule_id)
    if found.state == "active":
        return document(as_data(found))
    next_at = times(Plan(**found.plan), found.created_at).after(services.clock())
    if next_at is None:
        raise _wrong_state(found, "its time has passed")
    try:
        await owner_of(services, found)
    except KeyRefused as refused:
        raise _wrong_state(found, str(refused)) from refused
    moved = await _moved(services, caller, found, "resume_schedule", next_at)
    if moved is None:
        raise _changed()
    return moved


@router.delete("/{schedule_id}")
async def delete_schedule(
    schedule_id: str, services: UsesServices, caller: Caller
) -> dict[str, Any]:
    """Forget a schedule and the list of its runs; their responses stay."""
    if not await services.schedules.delete(caller.tenant, schedule_id):
        raise _unknown(schedule_id)
    await services.audit.write(caller, "delete_schedule", schedule_id)
    return {"id": schedule_id, "object": "schedule", "deleted": True}


async def _moved(
    services: Services, caller: Principal, found: Schedule, action: str, next_at: float | None
) -> Response | None:
    """Make it active, or paused; None when it has changed since it was read."""
    state = "active" if next_at is not None else "paused"
    if not await services.schedules.move(found, state, "", next_at):
        return None
    await services.audit.write(caller, action, found.id)
    return document(as_data(await _found(services, caller.tenant, found.id)))


async def _found(services: Services, tenant: str, schedule_id: str) -> Schedule:
    found = await services.schedules.get(tenant, schedule_id)
    if found is None:
        raise _unknown(schedule_id)
    return found


def _changed() -> ApiError:
    return ApiError(409, "it has just changed; try again", code="schedule_changed")


def _unknown(schedule_id: str) -> ApiError:
    problem = f"Schedule with id {schedule_id[:64]!r} not found."
    return ApiError(404, problem, param="schedule_id", code="schedule_not_found")


def _wrong_state(schedule: Schedule, why: str) -> ApiError:
    problem = f"the schedule is {schedule.state}: {why}"
    return ApiError(409, problem, code="schedule_state")
