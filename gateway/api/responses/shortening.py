"""A conversation made shorter: system messages and the last turns stay, a summary says what was before.

The one function behind `POST /v1/responses/compact`. A turn begins with the user's words, so a call is
never parted from its outputs. The summary stands among the user's messages, for it may quote data; where
there is none, a system message says what was left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from mistral_common.protocol.instruct.messages import ChatMessage

from gateway.api.responses.ids import free_id
from gateway.api.responses.measuring import tokens_of
from gateway.context.summary import summary_message
from gateway.storage.items import Item
from gateway.transcript.response_items import read_items
from gateway.transcript.responses import expanded, from_items
from routing.backend import ModelBackend, Usage

_TURNS_KEPT = 4
_SHARE_KEPT = 2
"""What is kept takes half of the window at most, save the very last turn."""
_SYSTEM = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a model made of the messages; `text` is empty where it could not. `usage` is what it took."""

    text: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Short:
    """What is kept, oldest first, and what the shortening cost."""

    items: tuple[Item, ...]
    usage: Usage = field(default_factory=Usage)


Summarise = Callable[[Sequence[ChatMessage]], Awaitable[Summary]]


async def shortened(items: Sequence[Item], backend: ModelBackend, summarise: Summarise) -> Short:
    """Shorten a conversation for a model. Raises `TranscriptError` when it is none.

    The last four turns stay, or as many of them as half the window holds. What `summarise` raises is
    passed on.
    """
    from_items((), items, asks=False)
    whole = expanded(items)
    turns = [i for i, item in enumerate(whole) if _role(item) == "user"]
    first = await _first_kept(whole, turns, backend)
    if not first:
        return Short(tuple(whole))
    earlier, kept = whole[:first], whole[first:]
    instructions = [item for item in earlier if _role(item) in _SYSTEM]
    said = [item for item in earlier if _role(item) not in _SYSTEM]
    summary = await summarise(from_items((), said, asks=False).messages)
    if summary.text:
        note = {"role": "user", "content": str(summary_message(summary.text).content)}
    else:
        left_out = sum(turn < first for turn in turns)
        note = {"role": "system", "content": f"{left_out} earlier turns were left out here."}
    return Short((*instructions, *read_items([note], free_id), *kept), summary.usage)


async def _first_kept(items: Sequence[Item], turns: Sequence[int], backend: ModelBackend) -> int:
    """Where what stays begins; 0 where all of it does."""
    if not turns:
        return 0
    latest = [0, *turns] if len(turns) <= _TURNS_KEPT else turns[-_TURNS_KEPT:]
    for first in latest:
        if await tokens_of(backend, items[first:]) <= backend.context_tokens // _SHARE_KEPT:
            return first
    return turns[-1]


def _role(item: Item) -> str | None:
    return item["role"] if item["type"] == "message" else None
