"""`/v1/stats`: what the runs of a time came to, by tool, by reason of escalation, along the time."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from gateway.api.access import Tenant, UsesServices
from gateway.api.encoding import document
from gateway.api.errors import ApiError
from gateway.history.reading import statistics

router = APIRouter(prefix="/v1/stats", tags=["runs"])

_DAY_S = 86_400.0


@router.get("")
async def get_statistics(
    services: UsesServices,
    tenant: Tenant,
    *,
    since: Annotated[float | None, Query(description="Seconds since the epoch.")] = None,
    until: Annotated[float | None, Query(description="Seconds since the epoch; now.")] = None,
    buckets: Annotated[int, Query(ge=1, le=200, description="Parts of the time.")] = 24,
) -> Response:
    """Runs, tools, escalations and cost between two times; the last day, when none are named."""
    end = time.time() if until is None else until
    begin = end - _DAY_S if since is None else since
    if not begin < end:
        raise ApiError(400, "since has to be before until", param="since", code="invalid_value")
    told = await statistics(services.store, tenant, since=begin, until=end, buckets=buckets)
    return document(told)
