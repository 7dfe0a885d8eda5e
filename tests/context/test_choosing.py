"""What stays of a conversation that is too long."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import (
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

from gateway.context.choosing import choose
from routing.errors import ContextTooLong
from tests.context.conversations import called, conversations, exchanges


def size(message: ChatMessage) -> int:
    return len(message.content) if isinstance(message.content, str) else 1


@given(
    conversations(), st.integers(0, 120), st.none() | st.integers(1, 4), st.sampled_from([1, 7, 30])
)
def test_a_choice_fits_keeps_order_and_parts_no_call(
    messages: list[ChatMessage], budget: int, turns: int | None, block: int
) -> None:
    try:
        choice = choose(messages, size, budget, turns, block)
    except ContextTooLong:
        assert sum(map(size, messages)) > budget
        return
    places = {id(message): i for i, message in enumerate(messages)}
    kept = [places[id(message)] for message in choice.kept]
    assert kept == sorted(kept)
    assert sum(map(size, choice.kept)) <= budget
    assert len(choice.kept) + len(choice.dropped) == len(messages)
    assert choice.dropped_tokens == sum(map(size, choice.dropped))
    assert not any(isinstance(message, SystemMessage) for message in choice.dropped)
    users = [message for message in messages if isinstance(message, UserMessage)]
    assert not users or any(message is users[-1] for message in choice.kept)
    ids = {call.id for each in choice.kept for call in getattr(each, "tool_calls", None) or ()}
    lost = {call.id for each in choice.dropped for call in getattr(each, "tool_calls", None) or ()}
    assert all(each.tool_call_id in ids for each in choice.kept if isinstance(each, ToolMessage))
    assert all(
        each.tool_call_id in lost for each in choice.dropped if isinstance(each, ToolMessage)
    )
    assert choose(choice.kept, size, budget, turns, block).kept == choice.kept


def test_the_steps_of_a_last_turn_that_is_too_long_go_oldest_first() -> None:
    asked = UserMessage(content="q")
    steps = [
        (called(f"call{i:05}"), ToolMessage(content="12345", tool_call_id=f"call{i:05}"))
        for i in range(3)
    ]
    messages = [asked, *(message for step in steps for message in step)]
    assert choose(messages, size, 13).kept == (asked, *steps[1], *steps[2])


def test_what_must_stay_and_does_not_fit_is_refused() -> None:
    with pytest.raises(ContextTooLong):
        choose([SystemMessage(content="1234"), UserMessage(content="12")], size, 5)


def test_ten_thousand_messages_are_counted_once_each() -> None:
    counted = 0

    def count(_message: ChatMessage) -> int:
        nonlocal counted
        counted += 1
        return 1

    messages = [UserMessage(content=str(i)) for i in range(10_000)]
    assert len(choose(messages, count, 50).kept) == 50
    assert counted == 10_000


def test_what_goes_goes_in_blocks_so_that_the_beginning_stays_for_some_turns() -> None:
    messages, begins = exchanges(40, 10), list[ChatMessage]()
    for turns in range(20, 40):
        kept = choose([*messages[: 2 * turns + 1]], size, 1000, block=250).kept
        begins.append(kept[0])
    changes = sum(a is not b for a, b in pairwise(begins))
    assert 0 < changes <= 6
    alone = [choose(messages[: 2 * turns + 1], size, 1000).kept[0] for turns in range(20, 40)]
    assert sum(a is not b for a, b in pairwise(alone)) > 12
