"""A conversation goes out as OpenAI writes it."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from mistral_common.protocol.instruct.chunk import ImageURLChunk, TextChunk
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from routing.backend import Sampling, Turn
from routing.openai_wire import arranged, chat_body, sampling_json

CALLS = [
    ToolCall(id="abcdefghi", function=FunctionCall(name="f", arguments='{"x": "é"}')),
    ToolCall(id="ihgfedcba", function=FunctionCall(name="g", arguments='{"cut": ')),
]


def sent(message: ChatMessage) -> dict[str, Any]:
    [wire] = json.loads(orjson.dumps(chat_body(Turn(messages=[message]), "m")["messages"]))
    return wire


@pytest.mark.parametrize(
    "message",
    [
        SystemMessage(content="be brief"),
        SystemMessage(content=[TextChunk(text="be"), TextChunk(text="brief")]),
        UserMessage(content=""),
        UserMessage(content=[TextChunk(text="a"), ImageURLChunk(image_url="https://a.test/b.png")]),
        ToolMessage(content="4.6", tool_call_id="abcdefghi"),
        ToolMessage(content="4.6", tool_call_id="abcdefghi", name="f"),
        ToolMessage(content=[TextChunk(text="4.6")], tool_call_id="abcdefghi"),
        AssistantMessage(content="hello"),
        AssistantMessage(content=[TextChunk(text="hello")]),
        AssistantMessage(content="let me see", tool_calls=CALLS),
    ],
)
def test_a_message_is_written_as_mistral_common_writes_it(message: ChatMessage) -> None:
    assert sent(message) == json.loads(json.dumps(message.to_openai()))


def test_content_is_told_beside_calls_even_when_there_is_none_and_is_never_null_without() -> None:
    assert sent(AssistantMessage(tool_calls=CALLS))["content"] is None
    for empty in (AssistantMessage(), AssistantMessage(content="", tool_calls=[])):
        assert sent(empty) == {"role": "assistant", "content": ""}


def test_an_arranged_conversation_keeps_its_order_behind_one_system_prompt() -> None:
    user, tool = UserMessage(content="u"), ToolMessage(content="t", tool_call_id="abcdefghi")
    both = AssistantMessage(content="see", tool_calls=CALLS)
    empty = [AssistantMessage(), AssistantMessage(content="", tool_calls=[])]
    one, two = SystemMessage(content="one"), SystemMessage(content=[TextChunk(text="two")])
    answer = AssistantMessage(content="a")
    assert arranged([user, one, both, *empty, tool, two, answer]) == [
        SystemMessage(content="one\n\ntwo"),
        user,
        AssistantMessage(tool_calls=CALLS),
        tool,
        answer,
    ]


def test_what_is_not_set_of_the_sampling_is_left_to_the_engine() -> None:
    assert sampling_json(Sampling()) == {}
    nought = Sampling(0.0, 0.0, 0, (), 0, 0.0, 0.0)
    assert sampling_json(nought) == {
        "temperature": 0.0,
        "top_p": 0.0,
        "max_tokens": 0,
        "seed": 0,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
    }
    assert sampling_json(Sampling(stop=("a", "b"))) == {"stop": ["a", "b"]}
