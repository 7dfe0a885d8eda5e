"""A turn as the body of an OpenAI chat completion request. Pure; shared by every HTTP backend."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mistral_common.protocol.instruct.chunk import TextChunk
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
)
from mistral_common.protocol.instruct.tool_calls import Tool

from routing.backend import ModelBackend, NamedTool, Sampling, ToolChoice, Turn, accepts_images
from routing.errors import BackendRejected

JSONObject = dict[str, Any]

_MISTRAL_ID = re.compile(r"[a-zA-Z0-9]{9}")


def chat_body(turn: Turn, model: str, *, strict_roles: bool = False) -> JSONObject:
    """The request for `turn`, streamed, with usage at its end. `strict_roles`: see `arranged`."""
    messages = arranged(turn.messages) if strict_roles else turn.messages
    body: JSONObject = {
        "model": model,
        "messages": [_message_json(message) for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        **sampling_json(turn.sampling),
    }
    if turn.tools:
        body["tools"] = [tool_json(tool) for tool in turn.tools]
        body["tool_choice"] = tool_choice_json(turn.tool_choice)
        if not turn.parallel_tool_calls:
            body["parallel_tool_calls"] = False
    return body


def require_readable(messages: Sequence[ChatMessage], backend: ModelBackend) -> None:
    """Raises `BackendRejected`, with its place, for an image that the backend's model can't read."""
    if accepts_images(backend):
        return
    for i, message in enumerate(messages):
        if isinstance(message.content, str) or message.content is None:
            continue
        for j, chunk in enumerate(message.content):
            if not isinstance(chunk, TextChunk):
                where = f"messages[{i}].content[{j}]"
                problem = f"{where}: the model {backend.model} reads text only, not {chunk.type}"
                raise BackendRejected(problem, backend=backend.name)


def arranged(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The conversation as Mistral's chat validation takes it, where it would answer 400.

    One system prompt, in front; no empty assistant message. An assistant message holds content or
    calls: beside calls the content is left out, as the server joins it again when it is split.
    """
    system = [m for m in messages if isinstance(m, SystemMessage)]
    others = [_without_both(m) for m in messages if not isinstance(m, SystemMessage)]
    kept = [m for m in others if not (isinstance(m, AssistantMessage) and _is_empty(m))]
    if len(system) > 1:
        system = [SystemMessage(content="\n\n".join(_plain(m) for m in system))]
    return [*system, *kept]


def tool_json(tool: Tool) -> JSONObject:
    """A tool's definition; `strict` is left out, engines disagree on what it means."""
    function = tool.function
    return {
        "type": "function",
        "function": {
            "name": function.name,
            "description": function.description,
            "parameters": function.parameters,
        },
    }


def tool_choice_json(choice: ToolChoice) -> str | JSONObject:
    """`auto`, `none`, `required`, or the named function."""
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.name}}
    return choice


def sampling_json(sampling: Sampling) -> JSONObject:
    """What is set; everything else is left to the engine."""
    values: JSONObject = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
    }
    return {key: value for key, value in values.items() if value is not None}


def response_format_json(schema: Any) -> JSONObject:
    """Structured output by JSON Schema, in OpenAI's form."""
    return {"type": "json_schema", "json_schema": {"name": "output", "schema": schema}}


def is_mistral_id(call_id: object) -> bool:
    """Whether Mistral's tokenizers and API would accept `call_id`: nine alphanumerics, no more."""
    return isinstance(call_id, str) and _MISTRAL_ID.fullmatch(call_id) is not None


def _without_both(message: ChatMessage) -> ChatMessage:
    if isinstance(message, AssistantMessage) and message.tool_calls and message.content:
        return AssistantMessage(content=None, tool_calls=message.tool_calls)
    return message


def _is_empty(message: AssistantMessage) -> bool:
    return not message.tool_calls and not message.content


def _plain(message: SystemMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(chunk.text for chunk in message.content if isinstance(chunk, TextChunk))


def _message_json(message: ChatMessage) -> JSONObject:
    wire = message.to_openai()
    if isinstance(message, AssistantMessage):
        wire.setdefault("content", None)  # some servers insist on the key beside calls
        if not wire.get("tool_calls"):
            wire.pop("tool_calls", None)  # an empty list is refused by OpenAI and Mistral
            wire["content"] = wire["content"] or ""
    return wire
