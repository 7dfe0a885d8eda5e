"""`/v1/runs`: what happened, what is happening, and how to stop it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from gateway.api.access import Tenant, UsesServices
from gateway.api.effects import described
from gateway.api.encoding import document
from gateway.api.found import find_run
from gateway.api.run_events import as_sse
from gateway.history.digest import Filter
from gateway.history.reading import page
from gateway.storage.records import RunQuery
from gateway.storage.runs import RunHead, RunStatus

router = APIRouter(prefix="/v1/runs", tags=["runs"])


Time = Annotated[float | None, Query(ge=0, description="Seconds since the epoch.")]


@router.get("")
async def list_runs(
    services: UsesServices,
    tenant: Tenant,
    *,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(description="`last_id` of the page before.")] = None,
    since: Time = None,
    until: Time = None,
    status: Annotated[list[RunStatus] | None, Query(description="Any of these.")] = None,
    tool: Annotated[str | None, Query(description="Called, or refused, in the run.")] = None,
    failed_tool: Annotated[bool, Query(description="With a call that failed.")] = False,
    escalated: Annotated[bool, Query(description="With an escalation.")] = False,
    q: Annotated[str | None, Query(description="In the question or the answer.")] = None,
    include: Annotated[
        list[Literal["trace"]] | None, Query(description="`trace`: the whole runs.")
    ] = None,
) -> Response:
    """The newest runs first: what was asked, what it came to; without the steps, unless asked for."""
    before = None
    if after is not None:
        last = await find_run(services, tenant, after)
        before = last.created_at, last.run_id
    query = RunQuery(since, until, tuple(status or ()), before)
    wanted = Filter(tool, failed_tool, escalated, q)
    found = await page(
        services.store, tenant, query, wanted, limit=limit, traces="trace" in (include or ())
    )
    return document(found)


@router.get("/{run_id}")
async def get_run(run_id: str, services: UsesServices, tenant: Tenant) -> Response:
    """The whole trace: turns, calls with their results, refusals, escalations, answer, cost."""
    run = await find_run(services, tenant, run_id)
    entries = await services.writes.ledger.of_run(tenant, run_id)
    effects = [described(entry) for entry in entries]
    return document({**_head(run), **run.trace(), "effects": effects})


@router.post("/{run_id}/cancel")
async def cancel_run(run_id: str, services: UsesServices, tenant: Tenant) -> dict[str, Any]:
    """Stop a run that is going; one that has ended stays as it is.

    What goes on behind the requests is stopped at whichever gateway does it, within a second.
    """
    run = await find_run(services, tenant, run_id)
    cancelling = services.live.cancel(tenant, run_id)
    if not cancelling and services.durable is not None:
        cancelling = await services.durable.stop(tenant, run_id)
    return {**_head(run), "cancelling": cancelling}


@router.get("/{run_id}/events")
async def run_events(run_id: str, services: UsesServices, tenant: Tenant) -> StreamingResponse:
    """The run's events so far, and each new one until it ends, as server-sent events."""
    run = await find_run(services, tenant, run_id)

    async def lines() -> AsyncGenerator[bytes]:
        async with aclosing(run.follow()) as events:
            async for event in events:
                yield as_sse(event)

    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


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
