"""Calls are put together from what engines really send, and a cut stream is known for one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from routing.errors import BackendProtocolError
from routing.openai_answer import AnswerReader
from tests.routing.openai_stub import call


def read(*deltas: dict[str, Any], reason: str | None = "tool_calls") -> AnswerReader:
    reader = AnswerReader()
    for delta in deltas:
        reader.feed({"choices": [{"index": 0, "delta": delta}]})
    if reason:
        reader.feed({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    return reader


def spelled(*calls: dict[str, Any]) -> list[tuple[str, str]]:
    reader = read(*({"tool_calls": [call]} for call in calls))
    return [(c.function.name, c.function.arguments) for c in reader.calls()]


def test_pieces_of_one_call_are_joined() -> None:
    pieces = [call(0, "abcdefghi", "f"), call(0, arguments='{"x"'), call(0, arguments=": 1}")]
    assert spelled(*pieces) == [("f", '{"x": 1}')]


def test_pieces_of_two_calls_may_be_interleaved() -> None:
    assert spelled(
        call(0, "aaaaaaaaa", "f", "{"),
        call(1, "bbbbbbbbb", "g", '{"y"'),
        call(0, arguments="}"),
        call(1, arguments=": 2}"),
    ) == [("f", "{}"), ("g", '{"y": 2}')]


def test_a_name_that_is_repeated_with_each_piece_is_one_name() -> None:
    pieces = [call(0, "aaaaaaaaa", "f", "{"), call(0, "aaaaaaaaa", "f", "}")]
    assert spelled(*pieces) == [("f", "{}")]


def test_a_name_that_comes_in_pieces_is_joined() -> None:
    pieces = [call(0, "aaaaaaaaa", "get_"), call(0, name="weather"), call(0, arguments="{}")]
    assert spelled(*pieces) == [("get_weather", "{}")]


def test_several_calls_under_one_index_are_told_apart_by_their_ids() -> None:
    pieces = [call(0, "aaaaaaaaa", "f", '{"x": 1}'), call(0, "bbbbbbbbb", "f", '{"x": 2}')]
    assert spelled(*pieces) == [("f", '{"x": 1}'), ("f", '{"x": 2}')]


def test_calls_without_an_index_are_told_apart_by_their_ids() -> None:
    assert spelled(
        call(None, "aaaaaaaaa", "f", "{"),
        call(None, arguments="}"),
        call(None, "bbbbbbbbb", "g", "{}"),
    ) == [("f", "{}"), ("g", "{}")]


def test_an_id_may_come_in_a_later_chunk() -> None:
    reader = read(
        {"tool_calls": [call(0, name="f")]}, {"tool_calls": [call(0, "abcdefghi", arguments="{}")]}
    )
    assert [c.id for c in reader.calls()] == ["abcdefghi"]


def test_arguments_sent_twice_in_full_are_read_once() -> None:
    whole = '{"city": "Seattle"}'
    assert spelled(call(0, "aaaaaaaaa", "f", whole), call(0, arguments=whole)) == [("f", whole)]


@pytest.mark.parametrize("arguments", ['{"x": 1}{"x": 2}', '{{"x": 1}', '{"x": 1', "11", ""])
def test_other_arguments_are_handed_on_as_they_came(arguments: str) -> None:
    assert spelled(call(0, "aaaaaaaaa", "f", arguments)) == [("f", arguments)]


def test_arguments_may_come_as_an_object() -> None:
    wire = {"index": 0, "function": {"name": "f", "arguments": {"x": "é"}}}
    assert spelled(wire) == [("f", '{"x": "é"}')]


@pytest.mark.parametrize(
    "engine_id", ["", "call_0123456789", "abcdefghi\n", "ａbcdefghi", "abcdefghij"]
)
def test_an_id_that_mistral_would_refuse_is_replaced(engine_id: str) -> None:
    reader = read({"tool_calls": [call(0, engine_id, "f", "{}")]})
    assert re.fullmatch(r"[a-zA-Z0-9]{9}", reader.calls()[0].id)


def test_ids_are_unique_in_a_turn() -> None:
    wire = [call(0, "aaaaaaaaa", "f", "{}"), call(1, "aaaaaaaaa", "g", "{}")]
    first, second = read({"tool_calls": wire}).calls()
    assert first.id == "aaaaaaaaa"
    assert second.id != first.id


def test_text_before_calls_is_the_answers_and_text_behind_them_is_the_tail() -> None:
    wire = [
        {"content": "let me see"},
        {"tool_calls": [call(0, "", "f", "{}")]},
        {"content": " extra"},
    ]
    completion = read(*wire).completion()
    assert (completion.text, completion.tail) == ("let me see", " extra")
    kept = AnswerReader(text_after_calls_is_tail=False)
    assert [kept.feed({"choices": [{"delta": d}]}) for d in wire] == ["let me see", "", " extra"]


def test_content_in_parts_is_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "reference"}, {"type": "text", "text": "b"}]
    assert read({"content": parts}, reason="stop").completion().text == "ab"


def test_other_choices_than_the_first_are_not_read() -> None:
    reader = AnswerReader()
    assert reader.feed({"choices": [{"index": 1, "delta": {"content": "no"}}]}) == ""


def test_usage_counts_the_cached_part_of_the_prompt() -> None:
    reader = AnswerReader()
    details = {"cached_tokens": 5}
    counts = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": details}
    reader.feed({"choices": [], "usage": counts})
    assert reader.completion().usage.cached_tokens == 5


def test_logprobs_carry_ids_only_when_each_token_has_one() -> None:
    reader = AnswerReader()
    token = {"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1}]}
    for ids in ([5], [5, 6]):
        choice = {"delta": {}, "logprobs": {"content": [token]}, "token_ids": ids}
        reader.feed({"choices": [choice]})
    first, second = reader.completion().logprobs
    assert (first.text, first.logprob, first.token_id) == ("a", -0.5, 5)
    assert first.alternatives == (("b", -1.0),)
    assert second.token_id is None


@pytest.mark.parametrize(
    "wrong", ["text", 3, None, {"choices": ["x"]}, {"choices": [{"delta": "x"}]}]
)
def test_what_is_no_chunk_is_a_protocol_error(wrong: object) -> None:
    with pytest.raises(BackendProtocolError):
        AnswerReader().feed(wrong)


def test_an_answer_without_its_end_is_whole_only_when_it_can_be_read() -> None:
    whole = {"tool_calls": [call(0, "", "f", '{"x": 1}')]}
    cut = {"tool_calls": [call(0, "", "f", '{"x": ')]}
    assert read(whole).is_whole(ended=False)
    assert not read(cut).is_whole(ended=False)
    assert not read(whole, reason=None).is_whole(ended=False)
    assert read(cut).is_whole(ended=True)
    assert not AnswerReader().is_whole(ended=True)
