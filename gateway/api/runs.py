"""`/v1/runs`: what happened, what is happening, and how to stop it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from gateway.api.access import Tenant, UsesServices
from gateway.api.effects import described
from gateway.api.encoding import document
from gateway.api.errors import ApiError
from gateway.api.run_events import as_sse
from gateway.services import Services
from gateway.storage.runs import RunHead, RunView

router = APIRouter(prefix="/v1/runs", tags=["runs"])


@router.get("")
async def list_runs(
    services: UsesServices, tenant: Tenant, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> dict[str, Any]:
    """The newest runs first, without their steps."""
    newest = await services.store.recent(tenant, limit)
    return {"object": "list", "data": [_head(run) for run in newest]}


@router.get("/{run_id}")
async def get_run(run_id: str, services: UsesServices, tenant: Tenant) -> Response:
    """The whole trace: turns, calls with their results, refusals, escalations, answer, cost."""
    run = await _run(services, tenant, run_id)
    entries = await services.writes.ledger.of_run(tenant, run_id)
    effects = [described(entry) for entry in entries]
    return document({**_head(run), **run.trace(), "effects": effects})


@router.post("/{run_id}/cancel")
async def cancel_run(run_id: str, services: UsesServices, tenant: Tenant) -> dict[str, Any]:
    """Stop a run that is going; one that has ended stays as it is."""
    run = await _run(services, tenant, run_id)
    cancelling = services.live.cancel(tenant, run_id)
    return {**_head(run), "cancelling": cancelling}


@router.get("/{run_id}/events")
async def run_events(run_id: str, services: UsesServices, tenant: Tenant) -> StreamingResponse:
    """The run's events so far, and each new one until it ends, as server-sent events."""
    run = await _run(services, tenant, run_id)

    async def lines() -> AsyncGenerator[bytes]:
        async with aclosing(run.follow()) as events:
            async for event in events:
                yield as_sse(event)

    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


async def _run(services: Services, tenant: str, run_id: str) -> RunView:
    run = await services.store.get(tenant, run_id)
    if run is None:
        problem = f"no run {run_id[:64]!r} here; runs are kept for a limited time"
        raise ApiError(404, problem, code="run_not_found")
    return run


def _head(run: RunHead) -> dict[str, Any]:
    return {
        "id": run.run_id,
        "object": "run",
        "status": run.status,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "model": run.role,
        "error": run.error,
    }
