"""`/v1/conversations`: named lists of items that responses read and extend.

A response made in a conversation adds its input and its output when it is done. While one is made,
no other response may be (409 `conversation_locked`); items may be added and deleted at any time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from gateway.api.access import Tenant, UsesServices
from gateway.api.body import read_model
from gateway.api.encoding import document
from gateway.api.errors import ApiError
from gateway.api.openapi import json_body
from gateway.api.responses.ids import free_id
from gateway.api.responses.listing import AskedPage, Included, item_list, page_of, unknown_cursor
from gateway.api.responses.request import Metadata
from gateway.api.responses.window import resolve
from gateway.services import Services
from gateway.storage.conversations import Conversation
from gateway.storage.items import UnknownCursor
from gateway.transcript.response_items import read_items

router = APIRouter(prefix="/v1/conversations", tags=["conversations"])

_MOST_ITEMS = 20
"""Items that one request may add, as with OpenAI."""


class NewConversation(BaseModel):
    """The body of `POST /v1/conversations`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    items: list[Any] | None = None
    metadata: Metadata | None = None


class ConversationUpdate(BaseModel):
    """The body of `POST /v1/conversations/{id}`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    metadata: Metadata | None


class NewItems(BaseModel):
    """The body of `POST /v1/conversations/{id}/items`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    items: list[Any]


@router.post("", openapi_extra=json_body(NewConversation))
async def create_conversation(request: Request, services: UsesServices, tenant: Tenant) -> Response:
    """A new conversation, with its first items if it has any."""
    asked = await read_model(NewConversation, request, optional=True)
    made = Conversation(tenant, free_id("conv"), time.time(), asked.metadata or {})
    items = await _items(services, tenant, None, asked.items or [])
    await services.conversations.create(made, items)
    return _described(made)


@router.get("/{conversation_id}")
async def get_conversation(
    conversation_id: str, services: UsesServices, tenant: Tenant
) -> Response:
    """One conversation, without its items."""
    return _described(await _conversation(services, tenant, conversation_id))


@router.post("/{conversation_id}", openapi_extra=json_body(ConversationUpdate))
async def update_conversation(
    request: Request, conversation_id: str, services: UsesServices, tenant: Tenant
) -> Response:
    """Replace its metadata."""
    asked = await read_model(ConversationUpdate, request, optional=True)
    changed = await services.conversations.describe(tenant, conversation_id, asked.metadata or {})
    if changed is None:
        raise _unknown(conversation_id)
    return _described(changed)


@router.delete("/{conversation_id}")
async def delete_conversation(
    conversation_id: str, services: UsesServices, tenant: Tenant
) -> dict[str, Any]:
    """Delete it with all its items. Responses that were made in it stay."""
    if not await services.conversations.delete(tenant, conversation_id):
        raise _unknown(conversation_id)
    return {"id": conversation_id, "object": "conversation.deleted", "deleted": True}


@router.get("/{conversation_id}/items")
async def list_items(
    conversation_id: str, services: UsesServices, tenant: Tenant, page: AskedPage, _: Included
) -> Response:
    """Its items, a page at a time; the newest first unless asked otherwise."""
    await _conversation(services, tenant, conversation_id)
    try:
        return document(page_of(await services.conversations.items(tenant, conversation_id, page)))
    except UnknownCursor as unknown:
        raise unknown_cursor(page.after) from unknown


@router.post("/{conversation_id}/items", openapi_extra=json_body(NewItems))
async def create_items(
    request: Request, conversation_id: str, services: UsesServices, tenant: Tenant, _: Included
) -> Response:
    """Add items behind the last one, all or none."""
    asked = await read_model(NewItems, request, optional=True)
    await _conversation(services, tenant, conversation_id)
    items = await _items(services, tenant, conversation_id, asked.items)
    if not await services.conversations.append(tenant, conversation_id, items):
        raise _unknown(conversation_id)
    return document(item_list(items))


@router.get("/{conversation_id}/items/{item_id}")
async def get_item(
    conversation_id: str, item_id: str, services: UsesServices, tenant: Tenant, _: Included
) -> Response:
    """One item."""
    await _conversation(services, tenant, conversation_id)
    found = await services.conversations.item(tenant, conversation_id, item_id)
    if found is None:
        raise _unknown_item(item_id)
    return document(dict(found))


@router.delete("/{conversation_id}/items/{item_id}")
async def delete_item(
    conversation_id: str, item_id: str, services: UsesServices, tenant: Tenant
) -> Response:
    """Delete one item; gives the conversation. A call without its output can't be continued."""
    conversation = await _conversation(services, tenant, conversation_id)
    if not await services.conversations.remove(tenant, conversation_id, item_id):
        raise _unknown_item(item_id)
    return _described(conversation)


async def _items(
    services: Services, tenant: str, conversation_id: str | None, wire: list[Any]
) -> list[dict[str, Any]]:
    """New items in their stored form. Raises for what is no item, or refers to none."""
    if len(wire) > _MOST_ITEMS:
        problem = f"at most {_MOST_ITEMS} items can be added at a time"
        raise ApiError(400, problem, param="items", code="invalid_value")
    read = read_items(wire, free_id, "items")
    return await resolve(
        services, tenant, read, free_id, conversation_id=conversation_id, where="items"
    )


async def _conversation(services: Services, tenant: str, conversation_id: str) -> Conversation:
    found = await services.conversations.get(tenant, conversation_id)
    if found is None:
        raise _unknown(conversation_id)
    return found


def _unknown(conversation_id: str) -> ApiError:
    problem = f"Conversation with id {conversation_id[:64]!r} not found."
    return ApiError(404, problem, param="conversation_id", code="conversation_not_found")


def _unknown_item(item_id: str) -> ApiError:
    problem = f"Item with id {item_id[:64]!r} not found in this conversation."
    return ApiError(404, problem, param="item_id", code="item_not_found")


def _described(conversation: Conversation) -> Response:
    described: Mapping[str, Any] = {
        "id": conversation.id,
        "object": "conversation",
        "created_at": int(conversation.created_at),
        "metadata": dict(conversation.metadata),
    }
    return document(described)
