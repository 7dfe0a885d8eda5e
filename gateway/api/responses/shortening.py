"""A conversation made shorter: system messages and the last turns stay, a model says what was before.

The one function behind `POST /v1/responses/compact`. A turn begins with the user's words, so a call is
never parted from its outputs. The summary stands among the user's messages, for it may quote data; where
there is none, a system message says what was left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.api.responses.ids import free_id
from gateway.api.responses.measuring import tokens_of
from gateway.context.summary import summarise, summary_message
from gateway.storage.items import Item
from gateway.transcript.response_items import read_items
from gateway.transcript.responses import expanded, from_items
from routing.backend import ModelBackend, Usage
from routing.errors import BackendError

log = logging.getLogger("gateway.api.responses")

_TURNS_KEPT = 4
_SHARE_KEPT = 2
"""What is kept takes half of the window at most, save the very last turn."""
_SUMMARY_TOKENS = 1024
_SUMMARY_SHARE = 8
_SYSTEM = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Short:
    """What is kept, oldest first, and what the shortening cost."""

    items: tuple[Item, ...]
    usage: Usage = field(default_factory=Usage)


async def shortened(items: Sequence[Item], backend: ModelBackend, within_s: float) -> Short:
    """Shorten a conversation for a model, which summarises it. Raises `TranscriptError` when it is none.

    The last four turns stay, or as many of them as half the window holds. A summary that fails, or is
    not there in `within_s` seconds, is left out.
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
    summary, usage = await _summary(said, backend, within_s)
    if summary is None:
        left_out = sum(turn < first for turn in turns)
        note = {"role": "system", "content": f"{left_out} earlier turns were left out here."}
    else:
        note = {"role": "user", "content": str(summary_message(summary).content)}
    return Short((*instructions, *read_items([note], free_id), *kept), usage)


async def _first_kept(items: Sequence[Item], turns: Sequence[int], backend: ModelBackend) -> int:
    """Where what stays begins; 0 where all of it does."""
    if not turns:
        return 0
    latest = [0, *turns] if len(turns) <= _TURNS_KEPT else turns[-_TURNS_KEPT:]
    for first in latest:
        if await tokens_of(backend, items[first:]) <= backend.context_tokens // _SHARE_KEPT:
            return first
    return turns[-1]


async def _summary(
    said: Sequence[Item], backend: ModelBackend, within_s: float
) -> tuple[str | None, Usage]:
    messages = from_items((), said, asks=False).messages
    try:
        made = await summarise(
            backend,
            messages,
            max_tokens=min(_SUMMARY_TOKENS, backend.context_tokens // _SUMMARY_SHARE),
            deadline=asyncio.get_running_loop().time() + within_s,
        )
    except BackendError as error:
        log.warning("a compacted window is without a summary: %s", error)
        return None, Usage()
    return made.text.strip(), made.usage


def _role(item: Item) -> str | None:
    return item["role"] if item["type"] == "message" else None
