"""A turn that fits its model's window, by exact token counts.

`choosing` works with what each message takes by itself; engines join some and move others, so what was
chosen is counted again as a whole, and chosen again with less room until it fits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from mistral_common.protocol.instruct.messages import ChatMessage

from gateway.context.choosing import choose
from gateway.context.options import ContextOptions
from routing.backend import ModelBackend, Turn
from routing.errors import ContextTooLong

_UNBOUNDED_ANSWER = 1024
"""Tokens kept free for an answer whose length the app did not bound; a quarter of a small window."""
_ATTEMPTS = 8
_BLOCKS = 4
"""What goes, goes in quarters of the room: the prompt's beginning then stays for some turns."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A turn that fits, and what was left out of it: messages, oldest first, and their tokens."""

    turn: Turn
    dropped: tuple[ChatMessage, ...] = ()
    dropped_tokens: int = 0


def prompt_room(backend: ModelBackend, turn: Turn) -> int:
    """How many tokens of the model's window are the prompt's; the rest is the answer's."""
    window = backend.context_tokens
    return window - (turn.sampling.max_tokens or min(_UNBOUNDED_ANSWER, window // _BLOCKS))


async def fitted(
    backend: ModelBackend, turn: Turn, options: ContextOptions, reserve: int = 0
) -> Fitted:
    """The turn as it is where it fits, else shortened, with `reserve` tokens left free.

    Raises `ContextTooLong` when not even the least that must stay fits, and what `count_tokens` does.
    """
    room = prompt_room(backend, turn)
    count = await backend.count_tokens(turn)
    if count.total <= room:
        return Fitted(turn)
    sizes = {id(m): size for m, size in zip(turn.messages, count.messages, strict=True)}
    alone = await backend.count_tokens(replace(turn, messages=turn.messages[-1:]))
    budget = room - reserve - (alone.total - sum(alone.messages))  # tools, and what begins a prompt
    for attempt in range(_ATTEMPTS):
        choice = choose(
            turn.messages,
            lambda message: sizes[id(message)],
            budget,
            options.keep_last_turns,
            block=max(room // _BLOCKS, 1),
        )
        shorter = replace(turn, messages=choice.kept)
        total = (await backend.count_tokens(shorter)).total
        over = total + reserve - room
        if over <= 0:
            return Fitted(shorter, choice.dropped, choice.dropped_tokens)
        # Folded, a message takes more than by itself: less of what it takes by itself has to go.
        share = sum(sizes[id(message)] for message in choice.kept) / total
        budget -= ceil(over * min(share, 1.0)) if attempt < _ATTEMPTS // 2 else over
    raise ContextTooLong(f"the conversation can't be made to fit {room} tokens")
