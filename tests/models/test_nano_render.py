"""Training data must be, id by id, what a server renders for the model."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.tool_calls import Function, FunctionCall, Tool, ToolCall
from mistral_common.tokens.tokenizers.instruct import InstructTokenizerV3
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from models.nano import data, render, tokenizer, toolset
from models.nano.conversations import Turn
from models.nano.grammar import Source

CALL_ID = "abcdefghi"
Mistral = MistralTokenizer[Any, Any, Any, Any, Any]


@pytest.fixture(scope="module")
def mistral() -> Mistral:
    return MistralTokenizer.from_file(str(tokenizer.TEKKEN))


def _encoded(mistral: Mistral, tools: list[dict[str, Any]], messages: list[Any]) -> list[int]:
    offered = [Tool(function=Function(**definition)) for definition in tools]
    request = ChatCompletionRequest(tools=offered, messages=messages)
    return list(mistral.encode_chat_completion(request).tokens)


def _messages(turn: Turn) -> list[Any]:
    messages: list[Any] = [SystemMessage(content=turn.system)] if turn.system else []
    messages.append(UserMessage(content=turn.said))
    for round_ in turn.rounds:
        calls = [
            ToolCall(
                id=CALL_ID, function=FunctionCall(name=name, arguments=render.dumps(arguments))
            )
            for name, arguments in round_.calls
        ]
        messages.append(AssistantMessage(tool_calls=calls))
        messages += [
            ToolMessage(tool_call_id=CALL_ID, content=render.dumps(content))
            for content in round_.results
        ]
    return messages


def test_the_tokenizer_is_a_v3_tekken(mistral: Mistral) -> None:
    assert isinstance(mistral.instruct_tokenizer, InstructTokenizerV3)
    assert tokenizer.load().version.value == "v3"
    assert tokenizer.load().n_words == tokenizer.VOCAB_SIZE


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_prompts_are_what_mistral_common_encodes(
    mistral: Mistral, own: bool, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(Random(seed))
    monkeypatch.setattr(data, "history", lambda source: [])
    monkeypatch.setattr(render, "new_id", lambda rng: CALL_ID)
    offered = toolset.builtin()
    prefix, turns = data.turns(source, 40, own)
    if own:
        monkeypatch.setattr(data, "builtin_offer", lambda source, short: offered)
        prefix, turns = data.turns(source, 40, own)
        for turn in turns:
            expected = _encoded(mistral, offered, _messages(turn))
            assert prefix + turn.prompt(source) == expected
    else:
        for turn in turns:
            ids = turn.prompt(source)
            expected = _encoded(mistral, [], _messages(turn))
            assert [render.BOS, *ids] == expected


def test_an_earlier_exchange_stands_before_the_tools(mistral: Mistral) -> None:
    tools = toolset.builtin()[:2]
    call = ("current_time", {"timezone": "東京"})
    outcome = {"timezone": "Asia/Tokyo", "time": "2026-11-21 14:03", "weekday": "Saturday"}
    messages = [
        UserMessage(content="现在東京几点？"),
        AssistantMessage(
            tool_calls=[
                ToolCall(
                    id=CALL_ID,
                    function=FunctionCall(name=call[0], arguments=render.dumps(call[1])),
                )
            ]
        ),
        ToolMessage(tool_call_id=CALL_ID, content=render.dumps(outcome)),
        AssistantMessage(content="It is 14:03."),
        UserMessage(content="and 2 + 2?"),
    ]
    ours = [
        render.BOS,
        *render.user("现在東京几点？"),
        *render.calls([call], [CALL_ID]),
        *render.result(outcome, CALL_ID),
        *render.answer("It is 14:03."),
        *render.tools(tools),
        *render.user("and 2 + 2?"),
    ]
    assert ours == _encoded(mistral, tools, messages)


def test_the_calls_to_learn_carry_no_id() -> None:
    ids = render.calls([("a", {"b": 1}), ("c", {})])
    text = tokenizer.load().decode(ids[1:-1])
    assert text == '[{"name": "a", "arguments": {"b": 1}}, {"name": "c", "arguments": {}}]'
    assert (ids[0], ids[-1]) == (render.CALLS, render.EOS)


def test_a_word_has_the_same_tokens_in_the_request_and_in_the_call() -> None:
    for word in ["Ljubljana", "Kuala Lumpur", "dentist", "brouvend", "东京", "km/h", "21:15"]:
        ids = render.encode(word)
        for around in ("what about {} today", '{{"x": "{}"}}', "几点在 {}。"):
            found = render.encode(around.format(word))
            assert any(found[i : i + len(ids)] == ids for i in range(len(found))), (word, around)
