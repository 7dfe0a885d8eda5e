"""`/v1/responses/{id}`: what became of a response, its input, its stream again, its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from gateway.api.access import Tenant, UsesServices
from gateway.api.encoding import document
from gateway.api.errors import ApiError
from gateway.api.responses.endpoint import DONE, sse
from gateway.api.responses.listing import AskedPage, Included, page_of, unknown_cursor
from gateway.api.responses.live import LiveResponses
from gateway.api.responses.output import Event
from gateway.services import Services
from gateway.storage.items import UnknownCursor
from gateway.storage.responses import UNFINISHED, StoredResponse

router = APIRouter(prefix="/v1/responses", tags=["responses"])

_CANCEL_S = 15.0
"""How long a cancel waits for the end to be recorded: begun writes have ten seconds."""
_LOOK_S = 0.5
"""How often a response that runs in another worker is looked at."""


def _live(request: Request) -> LiveResponses:
    live: LiveResponses = request.app.state.live_responses
    return live


UsesLive = Annotated[LiveResponses, Depends(_live)]


@dataclass(frozen=True, slots=True)
class _Again:
    """Whether the stream is wanted again, and from behind which event."""

    stream: bool
    after: int


def _again(
    *,
    stream: bool = False,
    starting_after: Annotated[int | None, Query(ge=-1)] = None,
    include_obfuscation: bool | None = None,
) -> _Again:
    asked = {"starting_after": starting_after, "include_obfuscation": include_obfuscation}
    for name, value in asked.items():
        if value is not None and not stream:
            problem = f"{name} belongs to stream=true"
            raise ApiError(400, problem, param=name, code="invalid_value")
    return _Again(stream, -1 if starting_after is None else starting_after)


@router.get("/{response_id}")
async def get_response(
    request: Request,
    response_id: str,
    tenant: Tenant,
    again: Annotated[_Again, Depends(_again)],
    _include: Included,
) -> Response:
    """The response as it is now. With `stream`, its events again, from behind `starting_after`.

    A stream can be read again when its response was made in the background.
    """
    services: Services = request.app.state.services
    stored = await _stored(services, tenant, response_id)
    running = _live(request).find(tenant, response_id)
    if not again.stream:
        return document(running.document if running else await _as_it_is(services, stored))
    if not stored.document["background"]:
        problem = "only the stream of a response in the background can be read again"
        raise ApiError(400, problem, param="stream", code="not_in_background")
    batches = _live(request).follow(tenant, response_id, again.after)
    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return StreamingResponse(_lines(batches), media_type="text/event-stream", headers=headers)


@router.delete("/{response_id}")
async def delete_response(
    response_id: str, services: UsesServices, live: UsesLive, tenant: Tenant
) -> dict[str, Any]:
    """Forget a response, its items, its events and its run; one that is running is cancelled first."""
    stored = await _stored(services, tenant, response_id)
    await _stop(live, stored)
    services.live.cancel(tenant, stored.run_id)
    if not await services.responses.delete(tenant, response_id):
        raise _unknown(response_id)
    return {"id": response_id, "object": "response", "deleted": True}


@router.post("/{response_id}/cancel")
async def cancel_response(
    response_id: str, services: UsesServices, live: UsesLive, tenant: Tenant
) -> Response:
    """End a response in the background; one that is over stays as it is."""
    stored = await _stored(services, tenant, response_id)
    if not stored.document["background"]:
        problem = "only a response in the background can be cancelled; close its connection instead"
        raise ApiError(400, problem, param="response_id", code="not_in_background")
    await _stop(live, stored)
    until = asyncio.get_running_loop().time() + _CANCEL_S
    stored = await _stored(services, tenant, response_id)
    while stored.document["status"] in UNFINISHED:  # it runs in another worker, which hears of it
        if asyncio.get_running_loop().time() > until:
            raise _cancelling()
        await asyncio.sleep(_LOOK_S)
        stored = await _stored(services, tenant, response_id)
    return document(dict(stored.document))


@router.get("/{response_id}/input_items")
async def list_input_items(
    response_id: str,
    services: UsesServices,
    tenant: Tenant,
    page: AskedPage,
    _include: Included,
) -> Response:
    """The items that the request brought, a page at a time; the newest first unless asked otherwise."""
    await _stored(services, tenant, response_id)
    try:
        return document(page_of(await services.responses.input_items(tenant, response_id, page)))
    except UnknownCursor as unknown:
        raise unknown_cursor(page.after) from unknown


async def _as_it_is(services: Services, stored: StoredResponse) -> dict[str, Any]:
    """The document of what does not run here. What another gateway does is stored as `queued` until its end."""
    made = dict(stored.document)
    if made["status"] != "queued" or services.durable is None:
        return made
    if await services.durable.is_held(stored.tenant, stored.run_id):
        return {**made, "status": "in_progress"}
    return dict(
        (await _stored(services, stored.tenant, stored.id)).document
    )  # it may just have ended


async def _stop(live: LiveResponses, stored: StoredResponse) -> None:
    try:
        async with asyncio.timeout(_CANCEL_S):
            await live.stop(stored)
    except TimeoutError:
        raise _cancelling() from None


def _cancelling() -> ApiError:
    problem = "the response is being cancelled, and a tool that was begun takes its time"
    return ApiError(409, problem, code="cancelling")


async def _lines(batches: AsyncGenerator[Sequence[Event]]) -> AsyncGenerator[bytes]:
    async with aclosing(batches):
        async for batch in batches:
            yield b"".join(map(sse, batch))
    yield DONE


async def _stored(services: Services, tenant: str, response_id: str) -> StoredResponse:
    found = await services.responses.get(tenant, response_id)
    if found is None:
        raise _unknown(response_id)
    return found


def _unknown(response_id: str) -> ApiError:
    problem = f"Response with id {response_id[:64]!r} not found."
    return ApiError(404, problem, param="response_id", code="response_not_found")
