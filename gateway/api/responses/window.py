"""What was said before a response: its chain, a conversation, the items that its input refers to.

The stores are read newest-first and only as far as needed: where the past may be cut as far as the
model's window goes, else to the beginning, or to where no window could hold it.

Raises `ApiError` for ids that this tenant does not have.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from gateway.api.errors import ApiError
from gateway.api.responses.ids import owner
from gateway.api.responses.measuring import tokens_of, weight
from gateway.services import Services
from gateway.storage.items import Item, Page, UnknownCursor
from gateway.storage.responses import BrokenChain, StoredResponse
from gateway.transcript.response_items import NewId
from routing.backend import ModelBackend
from routing.errors import ContextTooLong

_BYTES_PER_TOKEN = 3
"""Fewer bytes than that are hardly a token: so much is read before tokens are counted."""
_MOST_BYTES_PER_TOKEN = 64
"""No tokenizer packs more into a token of any text that people write."""
SUMMARISED_WINDOWS = 4
"""How much of the past is read to make a summary of, in windows of the model's."""
_LARGEST_PAGE = 100
_UNFINISHED = ("queued", "in_progress")


@dataclass(frozen=True, slots=True)
class Window:
    """Items before a request's own, oldest first; `cut` when older ones were left out."""

    items: tuple[Item, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """How much of the past is wanted: `tokens`, and a turn more at most.

    Where it has more, it is cut, by what `backend` counts; without one it is refused.
    """

    tokens: int
    backend: ModelBackend | None = None


async def read_window(history: AsyncGenerator[Item], room: Room) -> Window:
    """Read items, newest first, until there is enough. Raises `ContextTooLong`.

    What is cut here is what no model is going to be shown; the loop cuts to the token.
    """
    newest_first: list[Item] = []
    size, full = 0, False
    due, most = room.tokens * _BYTES_PER_TOKEN, room.tokens * _MOST_BYTES_PER_TOKEN
    async with aclosing(history) as items:
        async for item in items:
            if full:
                return Window(tuple(_from_a_turn(newest_first[::-1])), cut=True)
            newest_first.append(item)
            size += weight(item)
            if room.backend is None and size > most:
                problem = f"the conversation does not fit a window of {room.tokens} tokens"
                raise ContextTooLong(problem)
            if room.backend is not None and size > due:
                tokens = await tokens_of(room.backend, _from_a_turn(newest_first[::-1]))
                full = tokens >= room.tokens or size > most
                due = size + max(room.tokens - tokens, 1) * _BYTES_PER_TOKEN
    return Window(tuple(newest_first[::-1]))


def _from_a_turn(items: Sequence[Item]) -> Sequence[Item]:
    """From the first user message or compaction on: a call is never parted from its output."""
    for i, item in enumerate(items):
        if item["type"] == "compaction" or (item["type"] == "message" and item["role"] == "user"):
            return items[i:]
    return ()


async def chain(services: Services, tenant: str, response_id: str) -> AsyncGenerator[Item]:
    """Everything up to and with a response, newest first; on into the conversation it began in."""
    oldest: Item | None = None
    try:
        async with aclosing(services.responses.history(tenant, response_id)) as items:
            async for item in items:
                oldest = item
                yield item
    except BrokenChain as broken:
        problem = f"the response {str(broken.args[0])[:64]!r} before it was deleted"
        raise _previous(problem) from broken
    owned = owner(oldest["id"]) if oldest else None
    first = await services.responses.get(tenant, owned[0]) if owned else None
    if oldest is None or first is None or first.conversation_id is None:
        return
    met = False
    async with aclosing(services.conversations.history(tenant, first.conversation_id)) as items:
        async for item in items:
            if met:
                yield item
            met = met or item["id"] == oldest["id"]


async def previous(services: Services, tenant: str, response_id: str) -> StoredResponse:
    """The response that a request continues: this tenant's, and over."""
    found = await services.responses.get(tenant, response_id)
    if found is None:
        raise _previous(f"Previous response with id {response_id[:64]!r} not found.")
    if found.document["status"] in _UNFINISHED:
        problem = f"the response {response_id[:64]!r} is not finished yet"
        raise ApiError(409, problem, param="previous_response_id", code="response_not_finished")
    return found


def _previous(problem: str) -> ApiError:
    return ApiError(400, problem, param="previous_response_id", code="previous_response_not_found")


async def refilled(services: Services, tenant: str, value: object) -> object:
    """An `input` in which reasoning of ours that a client emptied holds again what it held.

    Some frameworks send back a reasoning item's id and summary, and leave out what they can't read.
    """
    if not isinstance(value, list):
        return value
    return [await _refill(services, tenant, item) for item in cast("list[object]", value)]


async def _refill(services: Services, tenant: str, item: object) -> object:
    match item:
        case {"type": "reasoning", "id": str(item_id)} if owner(item_id) is not None:
            wire = cast("dict[str, object]", item)
            if wire.get("encrypted_content") is not None:
                return wire
            found = await _find(services, tenant, item_id, None)
            return {**wire, "encrypted_content": (found or {}).get("encrypted_content")}
        case _:
            return item


async def resolve(
    services: Services,
    tenant: str,
    items: Sequence[dict[str, Any]],
    new_id: NewId,
    *,
    conversation_id: str | None = None,
    where: str = "input",
) -> list[dict[str, Any]]:
    """The items, and in place of every `item_reference` a copy of what it means, under a new id."""
    resolved: list[dict[str, Any]] = []
    for i, item in enumerate(items):
        if item["type"] != "item_reference":
            resolved.append(item)
            continue
        wanted: str = item["id"]
        found = await _find(services, tenant, wanted, conversation_id)
        if found is None:
            problem = f"Item with id {wanted[:64]!r} not found. Only items of stored responses are."
            raise ApiError(404, problem, param=f"{where}[{i}].id", code="item_not_found")
        resolved.append({**found, "id": new_id(wanted.partition("_")[0])})
    return resolved


async def _find(
    services: Services, tenant: str, item_id: str, conversation_id: str | None
) -> Item | None:
    if conversation_id is not None:
        found = await services.conversations.item(tenant, conversation_id, item_id)
        if found is not None:
            return found
    if (owned := owner(item_id)) is None:
        return None
    response_id, of_input = owned
    if not of_input:
        stored = await services.responses.get(tenant, response_id)
        output = stored.document["output"] if stored else ()
        return next((item for item in output if item["id"] == item_id), None)
    return await _find_input(services, tenant, response_id, item_id)


async def _find_input(
    services: Services, tenant: str, response_id: str, item_id: str
) -> Item | None:
    after: str | None = None
    while True:
        page = Page(limit=_LARGEST_PAGE, order="asc", after=after)
        try:
            found = await services.responses.input_items(tenant, response_id, page)
        except UnknownCursor:
            return None  # deleted while it was read
        for item in found.items:
            if item["id"] == item_id:
                return item
        if not found.has_more:
            return None
        after = found.items[-1]["id"]
