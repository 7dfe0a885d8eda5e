"""Calls are told as soon as their arguments are whole, once, under the id that they keep."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.backend import CallClosed
from routing.backends.llama_answer import LlamaAnswer
from routing.closing import is_whole
from routing.openai_answer import AnswerReader

CALLS = [("add", {"a": 1, "b": {"c": "}{"}}), ("find", {"text": 'a "}" b'}), ("now", {})]
TEXT = json.dumps([{"name": name, "arguments": arguments} for name, arguments in CALLS])


def delta(index: int, arguments: str, **function: str) -> dict[str, Any]:
    call = {"index": index, "function": {**function, "arguments": arguments}}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


def streamed(cuts: Iterable[int]) -> list[dict[str, Any]]:
    """The calls as chunks, each call's arguments cut at `cuts`."""
    chunks: list[dict[str, Any]] = []
    for index, (name, arguments) in enumerate(CALLS):
        text = json.dumps(arguments)
        bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
        chunks.append(delta(index, "", name=name))
        chunks += [delta(index, text[a:b]) for a, b in pairwise(bounds)]
    return chunks


@given(st.lists(st.integers(1, 40)))
def test_each_call_of_a_stream_is_told_once_as_the_completion_has_it(cuts: list[int]) -> None:
    reader, told = AnswerReader(), list[CallClosed]()
    for chunk in streamed(cuts):
        reader.feed(chunk)
        told += reader.closed()
    assert tuple(each.call for each in told) == reader.completion().calls


def test_a_call_is_told_when_its_last_bracket_comes_and_not_before() -> None:
    reader, seen = AnswerReader(), list[int]()
    for chunk in streamed(range(40)):
        reader.feed(chunk)
        seen.append(len(reader.closed()))
    ends = [
        sum(1 + len(json.dumps(arguments)) for _, arguments in CALLS[: at + 1]) - 1
        for at in range(3)
    ]
    assert [at for at, news in enumerate(seen) if news] == ends


def test_calls_are_told_in_their_order_however_their_pieces_come() -> None:
    reader = AnswerReader()
    reader.feed(delta(0, '{"a":', name="first"))
    reader.feed(delta(1, "{}", name="second"))
    assert reader.closed() == []
    reader.feed(delta(0, "1}"))
    assert [each.call.function.name for each in reader.closed()] == ["first", "second"]


def test_an_id_that_comes_late_does_not_change_the_one_that_was_told() -> None:
    reader = AnswerReader()
    reader.feed(delta(0, "{}", name="first"))
    [told] = reader.closed()
    reader.drafts[0].id = "abcdefghi"
    assert reader.calls() == (told.call,)


def test_arguments_that_are_sent_twice_stay_what_was_told() -> None:
    reader = AnswerReader()
    reader.feed(delta(0, '{"a": 1}', name="first"))
    [told] = reader.closed()
    reader.feed(delta(0, '{"a": 1}'))
    assert reader.closed() == []
    assert reader.calls() == (told.call,)


def test_a_call_that_goes_on_after_it_was_told_is_completed_as_it_became() -> None:
    reader = AnswerReader()
    reader.feed(delta(0, "{}", name="first"))
    [told] = reader.closed()
    reader.feed(delta(0, "{"))
    [call] = reader.calls()
    assert (call.id, call.function.arguments) == (told.call.id, "{}{")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 400])
@pytest.mark.parametrize("begin", ["", "Let me see."])
def test_llama_tells_each_call_once_as_the_completion_has_it(size: int, begin: str) -> None:
    answer, told = LlamaAnswer("small"), list[CallClosed]()
    pieces = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
    chunks: list[dict[str, Any]] = [
        {"stop": False, "content": begin, "tokens": [9]},
        *({"stop": False, "content": piece, "tokens": [1000]} for piece in pieces),
    ]
    for at, chunk in enumerate(chunks):
        answer.take(chunk)
        told += answer.closed(chunk)
        if size == 1 and at == TEXT.index("}}}") + 2:
            assert len(told) == 1, "the second bracket ends the arguments"
    answer.take({"stop": True, "content": ""})
    calls = answer.completion().calls
    assert tuple(each.call for each in told) == calls
    assert [json.loads(call.function.arguments) for call in calls] == [each for _, each in CALLS]


def test_braces_in_text_are_no_calls() -> None:
    answer = LlamaAnswer("small")
    chunk = {"stop": False, "content": TEXT, "tokens": [1000]}
    answer.take(chunk)
    assert answer.closed(chunk) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '"}"', "{}}", '{"a": 1', "null", "{} {}"])
def test_what_is_no_object_is_not_whole(text: str) -> None:
    assert not is_whole(text)


@pytest.mark.parametrize("text", ["{}", ' {"a": {}} ', '{"a": "}"}\n'])
def test_an_object_is_whole(text: str) -> None:
    assert is_whole(text)
