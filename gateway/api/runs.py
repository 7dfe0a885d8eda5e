"""`/v1/runs`: what happened, what is happening, and how to stop it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from gateway.agent import trace
from gateway.api.access import Tenant, UsesServices
from gateway.api.encoding import document
from gateway.api.errors import ApiError
from gateway.api.run_events import as_sse
from gateway.services import Services
from gateway.storage.runs import RunLog

router = APIRouter(prefix="/v1/runs", tags=["runs"])


@router.get("")
async def list_runs(
    services: UsesServices, tenant: Tenant, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> dict[str, Any]:
    """The newest runs first, without their steps."""
    logs = await services.store.recent(tenant, limit)
    return {"object": "list", "data": [_head(log) for log in logs]}


@router.get("/{run_id}")
async def get_run(run_id: str, services: UsesServices, tenant: Tenant) -> Response:
    """The whole trace: turns, calls with their results, refusals, escalations, answer, cost."""
    log = await _log(services, tenant, run_id)
    return document({**_head(log), "request": trace.request(log.request), **trace.fold(log.events)})


@router.post("/{run_id}/cancel")
async def cancel_run(run_id: str, services: UsesServices, tenant: Tenant) -> dict[str, Any]:
    """Stop a run that is going; one that has ended stays as it is."""
    log = await _log(services, tenant, run_id)
    cancelling = services.live.cancel(tenant, run_id)
    return {**_head(log), "cancelling": cancelling}


@router.get("/{run_id}/events")
async def run_events(run_id: str, services: UsesServices, tenant: Tenant) -> StreamingResponse:
    """The run's events so far, and each new one until it ends, as server-sent events."""
    log = await _log(services, tenant, run_id)

    async def lines() -> AsyncGenerator[bytes]:
        async with aclosing(log.follow()) as events:
            async for event in events:
                yield as_sse(event)

    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


async def _log(services: Services, tenant: str, run_id: str) -> RunLog:
    log = await services.store.get(tenant, run_id)
    if log is None:
        problem = f"no run {run_id[:64]!r} here; runs are kept for a limited time"
        raise ApiError(404, problem, code="run_not_found")
    return log


def _head(log: RunLog) -> dict[str, Any]:
    return {
        "id": log.run_id,
        "object": "run",
        "status": log.status,
        "created_at": log.created_at,
        "finished_at": log.finished_at,
        "model": log.request.role,
        "error": log.error,
    }
