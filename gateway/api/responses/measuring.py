"""How many tokens a conversation's items are for a model."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.storage.items import Item
from gateway.transcript.responses import from_items
from routing.backend import ModelBackend, Turn
from routing.errors import BackendError

_BYTES_PER_TOKEN = 3
"""Where they can't be counted. Cautious: English has about four bytes a token, Chinese three."""
_IMAGE_BYTES = 4096 * _BYTES_PER_TOKEN
"""What an image counts: the most tokens that one has in Mistral's models that read them."""


async def tokens_of(backend: ModelBackend, items: Sequence[Item]) -> int:
    """The prompt's length, without tools. Raises `TranscriptError` when they are no conversation."""
    messages = from_items((), items, asks=False).messages
    if not messages:
        return 0
    try:
        return (await backend.count_tokens(Turn(messages))).total
    except BackendError:
        return sum(map(weight, items)) // _BYTES_PER_TOKEN


def weight(item: Item) -> int:
    """Roughly what an item weighs in a prompt, in bytes."""
    total = 16
    for key in ("arguments", "name", "encrypted_content"):
        if isinstance(value := item.get(key), str):
            total += len(value.encode("utf-8", "replace"))
    for key in ("content", "output"):
        parts = item.get(key)
        if isinstance(parts, str):
            total += len(parts.encode("utf-8", "replace"))
        elif parts and item["type"] != "reasoning":
            total += sum(map(_part_weight, parts))
    return total


def _part_weight(part: Item) -> int:
    if part["type"] == "input_image":
        return _IMAGE_BYTES
    return len(str(part.get("text", "")).encode("utf-8", "replace"))
