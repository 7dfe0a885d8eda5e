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
    ToolMessage,
)
from mistral_common.protocol.instruct.tool_calls import Tool, ToolCall

from routing.backend import ModelBackend, NamedTool, Sampling, ToolChoice, Turn, accepts_images
from routing.errors import BackendRejected

JSONObject = dict[str, Any]

_SAMPLED = ("temperature", "top_p", "max_tokens", "seed", "frequency_penalty", "presence_penalty")
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
    # By type, as in `_message_json`: `isinstance` of a pydantic model is dear where the answer is no.
    system: list[SystemMessage] = []
    others: list[ChatMessage] = []
    for message in messages:
        if type(message) is SystemMessage:
            system.append(message)
        elif type(message) is not AssistantMessage:
            others.append(message)
        elif message.tool_calls and message.content:
            others.append(AssistantMessage(content=None, tool_calls=message.tool_calls))
        elif message.tool_calls or message.content:
            others.append(message)
    if len(system) > 1:
        system = [SystemMessage(content="\n\n".join(map(_plain, system)))]
    return [*system, *others]


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
    told: JSONObject = {}
    for name in _SAMPLED:
        if (value := getattr(sampling, name)) is not None:
            told[name] = value
    if sampling.stop:
        told["stop"] = list(sampling.stop)
    return told


def response_format_json(schema: Any) -> JSONObject:
    """Structured output by JSON Schema, in OpenAI's form."""
    return {"type": "json_schema", "json_schema": {"name": "output", "schema": schema}}


def is_mistral_id(call_id: object) -> bool:
    """Whether Mistral's tokenizers and API would accept `call_id`: nine alphanumerics, no more."""
    return isinstance(call_id, str) and _MISTRAL_ID.fullmatch(call_id) is not None


def _plain(message: SystemMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(chunk.text for chunk in message.content if isinstance(chunk, TextChunk))


def _message_json(message: ChatMessage) -> JSONObject:
    """What the message's own `to_openai` writes, who has pydantic dump each call at ten times the cost."""
    content = message.content
    if content is not None and not isinstance(content, str):
        content = [chunk.to_openai() for chunk in content]
    wire: JSONObject = {"role": message.role, "content": content}
    if type(message) is ToolMessage:
        wire["tool_call_id"] = message.tool_call_id
    elif type(message) is AssistantMessage:
        if message.tool_calls:
            wire["tool_calls"] = [_call_json(call) for call in message.tool_calls]
        else:
            wire["content"] = content or ""  # null is refused where no calls stand beside it
    return wire


def _call_json(call: ToolCall) -> JSONObject:
    function = {"name": call.function.name, "arguments": call.function.arguments}
    return {"id": call.id, "type": "function", "function": function}
