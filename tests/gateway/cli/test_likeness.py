"""Two calls are the same when they ask for the same thing, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cli.likeness import same_calls


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (call("calculate", expression="37 * 48"), call("calculate", expression="48*37")),
        (call("calculate", expression="64 * 18%"), call("calculate", expression="18 / 100 * 64")),
        (call("current_time", timezone="Asia/Tokyo"), call("current_time", timezone="东京")),
        (
            call(
                "convert_time", time="15:00", from_timezone="berlin", to_timezone="America/New_York"
            ),
            call("convert_time", time="3 pm", from_timezone="Berlin", to_timezone="New York"),
        ),
        (
            call("convert_units", value=10, from_unit="mile", to_unit="km"),
            call("convert_units", value=10.0, from_unit="英里", to_unit="公里"),
        ),
        (
            call("convert_units", value=425, from_unit="F", to_unit="C"),
            call("convert_units", value=425, from_unit="fahrenheit", to_unit="celsius"),
        ),
        (call("save_note", text="Buy  Milk."), call("save_note", text="buy milk")),
        (call("delete_note", note_id=7), call("delete_note", note_id=7)),
    ],
)
def test_other_words_for_the_same_are_the_same(
    made: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert same_calls([made], [expected])


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (call("calculate", expression="48 + 37"), call("calculate", expression="48 * 37")),
        (call("current_time", timezone="Berlin"), call("current_time", timezone="Paris")),
        (
            call("convert_time", time="3 am", from_timezone="Berlin", to_timezone="New York"),
            call("convert_time", time="3 pm", from_timezone="Berlin", to_timezone="New York"),
        ),
        (
            call("convert_time", time="3 pm", from_timezone="Paris", to_timezone="New York"),
            call("convert_time", time="3 pm", from_timezone="Berlin", to_timezone="New York"),
        ),
        (
            call("convert_units", value=10, from_unit="km", to_unit="mile"),
            call("convert_units", value=10, from_unit="mile", to_unit="km"),
        ),
        (
            call("convert_units", value=10, from_unit="furlongz", to_unit="km"),
            call("convert_units", value=10, from_unit="mile", to_unit="km"),
        ),
        (call("save_note", text="buy milk and bread"), call("save_note", text="buy milk")),
        (call("delete_note", note_id=8), call("delete_note", note_id=7)),
        (call("search_notes", query="milk"), call("save_note", text="milk")),
    ],
)
def test_what_asks_for_something_else_is_not_the_same(
    made: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert not same_calls([made], [expected])


def test_order_does_not_matter_and_number_does() -> None:
    one, two = call("calculate", expression="1 + 1"), call("current_time", timezone="Tokyo")
    assert same_calls([one, two], [two, one])
    assert not same_calls([one], [one, one])
    assert not same_calls([one, two], [one])
    assert same_calls([], [])


def test_a_word_that_no_tool_understands_is_only_like_itself() -> None:
    odd = call("current_time", timezone="Nowhereville")
    assert same_calls([odd], [odd])
    assert not same_calls([odd], [call("current_time", timezone="Elsewhereville")])
