"""Which messages stay when a conversation is too long. Pure, linear in the conversation.

System messages and the last user message always stay. Of the rest the newest: whole turns first, and
where not even the last turn fits, its latest calls with their results. Order is kept, and a call is
never parted from its results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

from routing.errors import ContextTooLong


@dataclass(frozen=True, slots=True)
class Choice:
    """What stays, in order, and what was left out: messages, oldest first, and their tokens."""

    kept: tuple[ChatMessage, ...]
    dropped: tuple[ChatMessage, ...] = ()
    dropped_tokens: int = 0


def choose(
    messages: Sequence[ChatMessage],
    count: Callable[[ChatMessage], int],
    budget: int,
    keep_last_turns: int | None = None,
    block: int = 1,
) -> Choice:
    """What of `messages` fits `budget` tokens; everything, where that fits.

    `count` is asked once a message. `keep_last_turns` (at least 1) bounds the turns that stay once
    something has to go. Whole turns go by blocks of so many tokens, where there are as many: the next
    turns of the same conversation then begin at the same message. Raises `ContextTooLong` when not
    even the least that must stay fits.
    """
    sizes = [count(message) for message in messages]
    excess = sum(sizes) - budget
    if excess <= 0:
        return Choice(tuple(messages))
    users = [i for i, message in enumerate(messages) if isinstance(message, UserMessage)]
    asked = users[-1] if users else -1
    fixed = {i for i, each in enumerate(messages) if isinstance(each, SystemMessage)} | {asked}
    free = [0 if i in fixed else size for i, size in enumerate(sizes)]
    before = list(accumulate(free, initial=0))
    oldest = users[-keep_last_turns] if keep_last_turns and len(users) >= keep_last_turns else 0
    starts = [i for i in _starts(messages, asked) if i >= oldest and before[i] >= excess]
    if not starts:
        raise ContextTooLong(f"the least that must be shown does not fit {budget} tokens")
    whole_blocks = -(-excess // block) * block
    turns = (i for i in starts if i <= asked and before[i] >= whole_blocks)
    start = next(turns, starts[0])
    stays = [i in fixed or i >= start for i in range(len(messages))]
    kept = tuple(each for each, stay in zip(messages, stays, strict=True) if stay)
    left = tuple(each for each, stay in zip(messages, stays, strict=True) if not stay)
    return Choice(kept, left, before[start])


def _starts(messages: Sequence[ChatMessage], asked: int) -> list[int]:
    """Where what stays may begin, oldest first: at turns, then at the steps of the last one."""
    inside = _inside_a_call(messages)
    return [
        i
        for i, message in enumerate(messages)
        if not inside[i]
        and (
            isinstance(message, UserMessage)
            or (i > asked and isinstance(message, AssistantMessage))
        )
    ]


def _inside_a_call(messages: Sequence[ChatMessage]) -> list[bool]:
    """For each message whether a call stands before it and a result of that call at or behind it."""
    called: dict[str, int] = {}
    change = [0] * (len(messages) + 1)
    for i, message in enumerate(messages):
        if isinstance(message, AssistantMessage):
            called.update((call.id, i) for call in message.tool_calls or ())
        elif (
            isinstance(message, ToolMessage)
            and (at := called.get(message.tool_call_id or "")) is not None
        ):
            change[at + 1] += 1
            change[i + 1] -= 1
    return [depth > 0 for depth in accumulate(change[:-1])]
