"""`GET /metrics` for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from gateway.api.access import UsesServices
from gateway.api.auth import Caller, require
from gateway.api.errors import ApiError
from gateway.backlog import backlog

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response)
async def metrics(services: UsesServices, caller: Caller) -> Response:
    """All metrics of this gateway, its workers together, in Prometheus' text format."""
    require(caller, "operator")
    telemetry, told = services.telemetry, None
    if telemetry is not None and telemetry.metrics is not None:
        telemetry.see_backlog(await backlog(services), services.clock())
        told = await telemetry.exposition()
    if telemetry is None or told is None:
        raise ApiError(404, "metrics are off: telemetry.metrics", code="not_found")
    return Response(told, media_type=telemetry.media_type)
