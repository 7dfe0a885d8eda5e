"""Chunks of llama.cpp's stream, gathered: ids tell calls from text, and nothing is made up."""

from __future__ import annotations

from typing import Any

import pytest

from routing.backend import TokenLogprob
from routing.backends.llama_answer import LlamaAnswer
from routing.errors import BackendProtocolError


def chunk(content: str, *tokens: int, **more: Any) -> dict[str, Any]:
    return {"content": content, "tokens": list(tokens), "stop": False, **more}


def end(stop_type: str = "eos") -> dict[str, Any]:
    return {"stop": True, "stop_type": stop_type}


def gathered(*chunks: dict[str, Any]) -> tuple[list[str], LlamaAnswer]:
    answer = LlamaAnswer("nano")
    return [text for text in map(answer.take, chunks) if text], answer


def test_a_marker_that_is_spelled_in_text_stays_text() -> None:
    spelled = '[TOOL_CALLS][{"name": "a", "arguments": {}}]'
    texts, answer = gathered(chunk("[TOOL", 100, 101), chunk(spelled[5:], 102), end())
    assert "".join(texts) == answer.completion().text == spelled
    assert answer.completion().calls == ()
    assert answer.completion().finish_reason == "stop"


def test_what_follows_the_real_marker_is_a_call_and_never_text() -> None:
    texts, answer = gathered(
        chunk("Let me", 100),
        chunk(" see", 101, 9),
        chunk('[{"name": "a", "argu', 102),
        chunk('ments": {"x":1}}] ok', 103),
        {**end(), "tokens_evaluated": 7, "tokens_predicted": 4, "timings/cache_n": 5},
    )
    completion = answer.completion()
    assert texts == ["Let me", " see"]
    assert completion.text == "Let me see"
    assert [(c.function.name, c.function.arguments) for c in completion.calls] == [("a", '{"x":1}')]
    assert completion.tail == " ok"
    assert completion.finish_reason == "tool_calls"
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (7, 4)
    assert completion.usage.cached_tokens == 5


def test_a_second_marker_begins_another_list_of_the_same_answer() -> None:
    _, answer = gathered(
        chunk("", 9),
        chunk('[{"name": "a", "arguments": {}}]', 100),
        chunk("", 9),
        chunk('[{"name": "b", "arguments": {}}]', 100),
        end(),
    )
    assert [call.function.name for call in answer.completion().calls] == ["a", "b"]


def test_a_call_that_ran_into_the_limit_says_so() -> None:
    _, answer = gathered(chunk("", 9), chunk('[{"name": "a", "arguments": {"x', 100), end("limit"))
    completion = answer.completion()
    assert completion.finish_reason == "length"
    assert completion.calls[0].function.arguments == '{"x'


def test_a_stream_without_its_end_is_no_answer() -> None:
    _, answer = gathered(chunk("Hello", 100))
    with pytest.raises(BackendProtocolError, match="cut"):
        answer.completion()


@pytest.mark.parametrize("odd", [{}, {"stop": False}, {"stop": False, "content": 5, "tokens": 3}])
def test_a_chunk_of_another_shape_is_a_protocol_error(odd: dict[str, Any]) -> None:
    with pytest.raises(BackendProtocolError):
        LlamaAnswer("nano").take(odd)


def test_the_marker_has_its_text_in_the_log_probabilities() -> None:
    marker = {"id": 9, "token": "", "logprob": -0.1, "top_logprobs": []}
    word = {**marker, "id": 100, "token": "[", "top_logprobs": [marker]}
    _, answer = gathered(
        chunk("", 9, completion_probabilities=[marker]),
        chunk("[", 100, completion_probabilities=[word]),
        end(),
    )
    assert answer.completion().logprobs == (
        TokenLogprob("[TOOL_CALLS]", -0.1, 9),
        TokenLogprob("[", -0.1, 100, (("[TOOL_CALLS]", -0.1),)),
    )


def test_calls_are_told_where_they_close_and_the_end_of_the_stream_tells_none() -> None:
    answer, told = LlamaAnswer("nano"), list[str]()
    for each in (chunk("", 9), chunk('[{"name": "a", "arguments": {}}]', 100), end()):
        answer.take(each)
        told += [closed.call.function.name for closed in answer.closed(each)]
    assert told == ["a"]
