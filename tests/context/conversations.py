"""Conversations to shorten."""

from __future__ import annotations

from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall


def called(call_id: str) -> AssistantMessage:
    """A message with one call."""
    function = FunctionCall(name="look", arguments="{}")
    return AssistantMessage(tool_calls=[ToolCall(id=call_id, function=function)])


@st.composite
def conversations(draw: st.DrawFn) -> list[ChatMessage]:
    """Turns of any kind; results of a call also behind other messages."""
    messages: list[ChatMessage] = []
    waiting: list[str] = []
    for i, kind in enumerate(draw(st.lists(st.sampled_from("suacr"), max_size=24))):
        text = f"{i:02}" + "x" * draw(st.integers(0, 9))
        if kind == "c":
            waiting.append(f"call{i:05}")
            messages.append(called(waiting[-1]))
        elif kind == "r" and waiting:
            messages.append(ToolMessage(content=text, tool_call_id=waiting.pop()))
        elif kind == "s":
            messages.append(SystemMessage(content=text))
        elif kind == "a":
            messages.append(AssistantMessage(content=text))
        else:
            messages.append(UserMessage(content=text))
    return messages


def exchanges(count: int, words: int) -> list[ChatMessage]:
    """So many turns of a user's question and an answer of so many words."""
    messages: list[ChatMessage] = []
    for n in range(count):
        messages.append(UserMessage(content=f"Question {n}?"))
        messages.append(AssistantMessage(content=f"Answer {n}: " + "word " * words))
    return messages
