"""A conversation made shorter: system messages and the last turns stay, what was before is left out.

The one function behind `POST /v1/responses/compact`. A turn begins with the user's words, so a call is
never parted from its outputs; where something was left out, a system message says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.api.responses.ids import free_id
from gateway.storage.items import Item
from gateway.transcript.response_items import read_items
from gateway.transcript.responses import expanded, from_items
from routing.backend import Usage

_TURNS_KEPT = 4
_SYSTEM = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Short:
    """What is kept, oldest first, and what the shortening cost."""

    items: tuple[Item, ...]
    usage: Usage = field(default_factory=Usage)


def shortened(items: Sequence[Item]) -> Short:
    """Shorten a conversation. Raises `TranscriptError` when it is none."""
    from_items((), items, asks=False)
    whole = expanded(items)
    turns = [i for i, item in enumerate(whole) if _role(item) == "user"]
    if len(turns) <= _TURNS_KEPT:
        return Short(tuple(whole))
    first = turns[-_TURNS_KEPT]
    instructions = [item for item in whole[:first] if _role(item) in _SYSTEM]
    left_out = len(turns) - _TURNS_KEPT
    said = {"role": "system", "content": f"{left_out} earlier turns were left out here."}
    note = read_items([said], free_id)
    return Short((*instructions, *note, *whole[first:]))


def _role(item: Item) -> str | None:
    return item["role"] if item["type"] == "message" else None
