"""Items of the Responses API into canonical messages, and back, without loss."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

from gateway.transcript import TranscriptError
from gateway.transcript.response_items import read_items
from gateway.transcript.responses import from_items, to_items
from gateway.transcript.sealed import seal

CALL: dict[str, Any] = {
    "type": "function_call",
    "call_id": "call_1",
    "name": "add",
    "arguments": '{"a":1}',
}
OUTPUT: dict[str, Any] = {"type": "function_call_output", "call_id": "call_1", "output": "2"}
IMAGE: dict[str, Any] = {"type": "input_image", "image_url": "https://x.org/a.png"}
USER: dict[str, Any] = {"role": "user", "content": "Go."}


def new_ids() -> Any:
    numbers = count()
    return lambda prefix: f"{prefix}_{next(numbers)}"


def read(wire: Any) -> list[dict[str, Any]]:
    return read_items(wire, new_ids())


def messages(
    wire: Any, instructions: str | None = None, history: Any = ()
) -> tuple[ChatMessage, ...]:
    past = read_items(list(history), new_ids())
    return from_items(past, read(wire), instructions).messages


def refused(wire: Any) -> TranscriptError:
    with pytest.raises(TranscriptError) as caught:
        messages(wire)
    return caught.value


def test_a_string_is_one_user_message() -> None:
    assert messages("Hi.") == (UserMessage(content="Hi."),)


def test_instructions_go_first_and_system_messages_before_the_rest() -> None:
    wire = [USER, {"role": "developer", "content": "Be brief."}]
    assert messages(wire, "You add.") == (
        SystemMessage(content="You add."),
        SystemMessage(content="Be brief."),
        UserMessage(content="Go."),
    )


def test_a_message_and_the_calls_behind_it_are_one_turn() -> None:
    said = {"role": "assistant", "content": "I look.", "phase": "commentary"}
    other = {**CALL, "call_id": "call_2"}
    answers = [{**OUTPUT, "call_id": "call_2"}, OUTPUT]
    user, turn, second, first = messages([USER, said, CALL, other, *answers])
    assert isinstance(turn, AssistantMessage)
    assert turn.content == "I look."
    assert turn.tool_calls is not None
    one, two = (call.id for call in turn.tool_calls)
    assert isinstance(second, ToolMessage)
    assert isinstance(first, ToolMessage)
    assert (second.tool_call_id, first.tool_call_id) == (two, one)
    assert (second.name, first.content) == ("add", "2")
    assert user == UserMessage(content="Go.")


def test_calls_stay_one_turn_until_the_last_has_its_output() -> None:
    client = {**CALL, "call_id": "call_c"}
    wire = [USER, CALL, client, OUTPUT, {**OUTPUT, "call_id": "call_c"}, CALL, OUTPUT]
    roles = [str(message.role) for message in messages(wire)]
    assert roles == ["user", "assistant", "tool", "tool", "assistant", "tool"]


def test_text_behind_calls_that_wait_belongs_to_their_turn() -> None:
    said = {"role": "assistant", "content": "You add this."}
    _, turn, _ = messages([USER, CALL, said, OUTPUT])
    assert isinstance(turn, AssistantMessage)
    assert turn.content == "You add this."


def test_reasoning_is_kept_and_passed_over() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
    assert read([thought])[0]["encrypted_content"] == "x"
    assert messages([USER, thought]) == (UserMessage(content="Go."),)


def test_a_call_that_a_cut_run_left_without_output_is_dropped() -> None:
    cut = {**CALL, "status": "incomplete"}
    assert messages([USER, cut, USER]) == (UserMessage(content="Go."), UserMessage(content="Go."))


def test_a_compaction_is_what_it_holds() -> None:
    held = read([USER, {"role": "assistant", "content": "Done."}])
    wire = [{"type": "compaction", "encrypted_content": seal(held)}, USER]
    assert messages(wire) == (
        UserMessage(content="Go."),
        AssistantMessage(content="Done."),
        UserMessage(content="Go."),
    )


def test_an_image_goes_on_as_it_is_and_comes_back() -> None:
    image = {"type": "input_image", "image_url": "https://x.org/a.png", "detail": "low"}
    part = {"type": "input_text", "text": "What is it?"}
    items = read([{"role": "user", "content": [part, image]}])
    transcript = from_items((), items)
    assert transcript.images == ("input[0].content[1]",)
    assert to_items(transcript.messages, new_ids(), transcript.ids) == items


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        (7, "input"),
        ([7], "input[0]"),
        ([USER, {"type": "web_search_call"}], "input[1].type"),
        ([{"role": "tool", "content": "x"}], "input[0].role"),
        ([{"role": "user", "content": []}], "input[0].content"),
        ([{"role": "user", "content": [{"type": "audio"}]}], "input[0].content[0].type"),
        ([{"role": "user", "content": [{"type": "input_text"}]}], "input[0].content[0].text"),
        ([{"role": "user", "content": [IMAGE | {"image_url": "a.png"}]}], "input[0].content[0].image_url"),
        ([{"role": "user", "content": [IMAGE | {"detail": "all"}]}], "input[0].content[0].detail"),
        ([{"role": "user", "content": [IMAGE | {"file_id": "f"}]}], "input[0].content[0].file_id"),
        ([{"role": "system", "content": [IMAGE]}], "input[0].content[0].type"),
        ([USER, CALL, OUTPUT | {"output": [IMAGE]}], "input[2].output[0].type"),
        ([{"role": "user", "content": "x", "phase": "commentary"}], "input[0].phase"),
        ([{"role": "user", "content": "x", "colour": "red"}], "input[0].colour"),
        ([{"role": "user", "content": "x", "status": "new"}], "input[0].status"),
        ([{"role": "assistant", "content": "x", "phase": "last"}, USER], "input[0].phase"),
        ([USER, {**CALL, "arguments": "{"}, OUTPUT], "input[1].arguments"),
        ([USER, {**CALL, "arguments": "[]"}, OUTPUT], "input[1].arguments"),
        ([USER, {**CALL, "name": "a b"}, OUTPUT], "input[1].name"),
        ([USER, {**CALL, "call_id": ""}], "input[1].call_id"),
        ([USER, CALL], "input[1]"),
        ([USER, CALL, USER], "input[1]"),
        ([USER, OUTPUT], "input[1].call_id"),
        ([USER, CALL, CALL], "input[2].call_id"),
        ([USER, CALL, OUTPUT, OUTPUT], "input[3].call_id"),
        ([USER, {"role": "assistant", "content": "x"}], "input[1]"),
        ([USER, {"type": "compaction", "encrypted_content": "?"}], "input[1].encrypted_content"),
        ([USER, {"type": "compaction", "encrypted_content": "gw1.AAAA"}], "input[1].encrypted_content"),
        ([], "input"),
    ],
)  # fmt: skip
def test_what_is_no_conversation_is_refused_with_its_place(wire: Any, param: str) -> None:
    assert refused(wire).param == param


def test_a_gap_in_what_was_before_is_told_of_the_input() -> None:
    with pytest.raises(TranscriptError) as caught:
        from_items(read([USER, CALL]), read([USER]))
    assert caught.value.param == "input"
    assert "call_1" in str(caught.value)


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
SAID = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
CALLS = st.lists(st.tuples(st.sampled_from(["add", "wait"]), TEXT), min_size=1, max_size=3)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Items of a well-formed conversation that ends in a user's words."""
    items: list[dict[str, Any]] = []
    numbers = count()
    for _ in range(draw(st.integers(0, 3))):
        items.append({"role": "user", "content": draw(TEXT)})
        for _ in range(draw(st.integers(0, 2))):
            if draw(st.booleans()):
                items.append({"role": "assistant", "content": draw(SAID), "phase": "commentary"})
            made = [(f"call_{next(numbers)}", name, output) for name, output in draw(CALLS)]
            items += [{**CALL, "call_id": each, "name": name} for each, name, _ in made]
            items += [{**OUTPUT, "call_id": each, "output": output} for each, _, output in made]
        items.append({"role": "assistant", "content": draw(SAID), "phase": "final_answer"})
    return [*items, {"role": "user", "content": draw(TEXT)}]


@given(conversations())
def test_items_come_back_from_the_messages_they_make(wire: list[dict[str, Any]]) -> None:
    items = read(wire)
    transcript = from_items((), items)
    assert to_items(transcript.messages, new_ids(), transcript.ids) == items


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("type", "role", "content", "text", "call_id", "name", "arguments", "output"),
                    *("summary", "status", "phase", "encrypted_content", "id"),
                ]
            ),
            inner
            | st.sampled_from(
                [
                    *(
                        "message",
                        "function_call",
                        "function_call_output",
                        "reasoning",
                        "compaction",
                    ),
                    *("input_text", "output_text", "user", "assistant", "{}", "call_1"),
                ]
            ),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_is_sent_is_read_or_refused_with_its_place(wire: Any) -> None:
    place = "input"
    try:
        from_items((), [i for i in read(wire) if i["type"] != "item_reference"])
    except TranscriptError as error:
        place = error.param
    assert place.startswith("input")
