"""`POST /v1/responses/compact`: a conversation in, a shorter window out, to go on from.

The window is one compaction item, opaque to the app: it holds what is kept of the conversation, a
summary by the model that is asked included. Sent as input, it is replaced by what it holds. Nothing is
stored.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import Response
from mistral_common.protocol.instruct.messages import ChatMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.agent.run import Role
from gateway.api.access import UsesServices
from gateway.api.asgi import parse_object, read_body, require_json
from gateway.api.auth import Caller
from gateway.api.encoding import document
from gateway.api.errors import ApiError
from gateway.api.openapi import json_body
from gateway.api.responses.document import usage
from gateway.api.responses.ids import free_id
from gateway.api.responses.shortening import Summary, shortened
from gateway.api.responses.summarising import summarised
from gateway.api.responses.window import (
    SUMMARISED_WINDOWS,
    Room,
    chain,
    previous,
    read_window,
    refilled,
    resolve,
)
from gateway.api.wire import refusal
from gateway.storage.items import Item
from gateway.transcript.response_items import read_items
from gateway.transcript.sealed import seal

router = APIRouter(prefix="/v1/responses", tags=["responses"])


class CompactRequest(BaseModel):
    """The body of `POST /v1/responses/compact`. From `instructions` on nothing changes the window."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str | None
    input: Any = None
    previous_response_id: str | None = None
    instructions: str | None = None
    prompt_cache_key: Annotated[str, Field(max_length=64)] | None = None
    prompt_cache_retention: str | None = None
    service_tier: str | None = None


@router.post("/compact", openapi_extra=json_body(CompactRequest))
async def compact_response(request: Request, services: UsesServices, caller: Caller) -> Response:
    """A compacted window of a conversation: of `previous_response_id`, and `input` behind it."""
    tenant = caller.tenant
    require_json(request.scope)
    raw = await read_body(request.scope, request.receive, services.max_body_bytes)
    try:
        asked = CompactRequest.model_validate(parse_object(raw))
    except ValidationError as error:
        raise refusal(error) from error
    if asked.input is None and asked.previous_response_id is None:
        raise ApiError(400, "missing parameter: input", param="input", code="missing_parameter")
    model = asked.model or "gateway"
    if model != "gateway" and model not in services.models:
        raise ApiError(404, f"no model {model[:64]!r} here", param="model", code="model_not_found")
    brought = await refilled(services, tenant, [] if asked.input is None else asked.input)
    read = read_items(brought, free_id)
    items: list[Item] = list(await resolve(services, tenant, read, free_id))
    backend = services.models["intermediary" if model == "gateway" else model]
    if asked.previous_response_id is not None:
        await previous(services, tenant, asked.previous_response_id)
        room = Room(SUMMARISED_WINDOWS * backend.context_tokens, backend)
        before = await read_window(chain(services, tenant, asked.previous_response_id), room)
        items = [*before.items, *items]

    async def summarise(messages: Sequence[ChatMessage]) -> Summary:
        role = cast("Role", model)
        return await summarised(services, caller, role, messages, request.receive)

    short = await shortened(items, backend, summarise)
    compaction = {
        "type": "compaction",
        "id": free_id("cmp"),
        "encrypted_content": seal(short.items),
    }
    return document(
        {
            "id": free_id("resp"),
            "object": "response.compaction",
            "created_at": int(time.time()),
            "output": [compaction],
            "usage": usage(short.usage),
        }
    )
