"""What a schedule has to be when it is made, and when it is edited. Everything here raises `ApiError`."""

from __future__ import annotations

from gateway.access.principal import Principal
from gateway.api.errors import HANDLED, ApiError
from gateway.api.responses.creation import prepare
from gateway.api.responses.request import parse_request
from gateway.api.responses.told import told
from gateway.schedules.plan import Plan
from gateway.schedules.when import NoSuchTime, When, shortest_gap
from gateway.services import Services


def times(plan: Plan, start: float) -> When:
    """The times that a plan means, an interval's from `start`. Raises `ApiError`."""
    try:
        return plan.times(start)
    except NoSuchTime as error:
        where = f"when.{error.part}"
        raise ApiError(400, str(error), param=where, code="invalid_value") from error


def first_of(when: When, now: float) -> float:
    """The next of these times. Raises `ApiError` where none comes."""
    if (first := when.after(now)) is None:
        raise ApiError(400, "that time does not come", param="when", code="invalid_value")
    return first


def require_rare(when: When, now: float, least_s: float) -> None:
    """Runs do not come more often than the operator lets them. Raises `ApiError`."""
    if shortest_gap(when, now) < least_s:
        problem = f"runs have to be {least_s:g} seconds apart, or more"
        raise ApiError(400, problem, param="when", code="invalid_value")


def require_key(caller: Principal) -> None:
    """A token's bearer can't be asked later whether they still may. Raises `ApiError`."""
    if caller.key.startswith("jwt-"):
        problem = "a schedule acts for a key: make it with an API key, a token ends"
        raise ApiError(403, problem, code="api_key_required", kind="permission_error")


async def require_answerable(plan: Plan, services: Services, caller: Principal) -> None:
    """The request could be answered if it came now. Raises `ApiError`."""
    try:
        body = parse_request({**plan.request, "background": True})
        await prepare(body, services, caller)
    except HANDLED as error:
        said = told(error)
        param = f"request.{said.param}" if said.param else "request"
        raise ApiError(
            said.status, said.message, param=param, code=said.code, kind=said.kind
        ) from error
