"""OpenAI Chat Completions messages ⇄ the canonical conversation.

Accepted and made canonical: `developer` is `system`; system messages go first, wherever they stood
(Mistral's templates have one system prompt); text parts are joined by a blank line; an assistant
message that says nothing is dropped; empty arguments of a call are `{}`. Everything else that is not
canonical is refused with its index. A user's message with an image keeps its parts as they are; other
parts than text and images are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import orjson
from mistral_common.protocol.instruct.chunk import ContentChunk, TextChunk
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.transcript.errors import TranscriptError
from gateway.transcript.ids import CallIds
from gateway.transcript.images import image_chunk

_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_SHOWN = 64
_PART_SEPARATOR = "\n\n"


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Transcript:
    """A canonical conversation and the ids under which the client knows its calls.

    `images` are the paths of the images in the request, as in `messages[0].content[1]`.
    """

    messages: tuple[ChatMessage, ...]
    ids: CallIds
    images: tuple[str, ...] = ()


def from_chat(messages: Sequence[object]) -> Transcript:
    """Read the `messages` of a chat request. Raises `TranscriptError`, and nothing else."""
    reader = _Reader(messages)
    return Transcript(reader.read(), reader.ids, tuple(reader.images))


def to_chat(messages: Sequence[ChatMessage], ids: CallIds | None = None) -> list[dict[str, Any]]:
    """Write canonical messages as a chat client would, with its own ids restored."""
    names = ids or CallIds()
    return [_message_to_chat(message, names) for message in messages]


def _message_to_chat(message: ChatMessage, ids: CallIds) -> dict[str, Any]:
    content: Any = message.content
    if isinstance(content, list):
        content = [chunk.to_openai() for chunk in cast("list[ContentChunk]", content)]
    wire: dict[str, Any] = {"role": str(message.role), "content": content}
    if isinstance(message, AssistantMessage) and message.tool_calls:
        wire["tool_calls"] = [
            {
                "id": ids.outward(call.id),
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in message.tool_calls
        ]
    elif isinstance(message, ToolMessage):
        wire["tool_call_id"] = ids.outward(message.tool_call_id or "")
        if message.name is not None:
            wire["name"] = message.name
    return wire


class _Reader:
    """One pass over a request's messages; remembers which calls still wait for their result."""

    def __init__(self, messages: Sequence[object]) -> None:
        if not messages:
            raise TranscriptError(0, "there has to be at least one message", "messages")
        self._wire = _objects(messages)
        self.ids = CallIds(_call_ids(self._wire))
        self.images: list[str] = []
        self._system: list[ChatMessage] = []
        self._rest: list[ChatMessage] = []
        self._waiting: dict[str, None] = {}
        self._answered: set[str] = set()
        self._last_assistant = 0

    def read(self) -> tuple[ChatMessage, ...]:
        for i, message in enumerate(self._wire):
            match message.get("role"):
                case "user":
                    self._require_results()
                    self._rest.append(UserMessage(content=self._said(i, message.get("content"))))
                case "assistant":
                    self._require_results()
                    self._read_assistant(i, message)
                case "tool":
                    self._read_result(i, message)
                case "system" | "developer":
                    self._system.append(SystemMessage(content=_text(i, message.get("content"))))
                case "function":
                    problem = "the role 'function' was replaced by 'tool' with a tool_call_id"
                    raise TranscriptError(i, problem, f"messages[{i}].role")
                case role:
                    problem = (
                        f"{_shown(role)} is no role; use system, developer, user, assistant or tool"
                    )
                    raise TranscriptError(i, problem, f"messages[{i}].role")
        self._require_results()
        if self._rest and isinstance(self._rest[-1], AssistantMessage):
            i = self._last_assistant
            problem = "the last message is the assistant's; end with a user or a tool message"
            raise TranscriptError(i, problem, f"messages[{i}]")
        canonical = (*self._system, *self._rest)
        if not canonical:
            raise TranscriptError(0, "no message says anything", "messages")
        return canonical

    def _said(self, i: int, content: object) -> str | list[ContentChunk]:
        """A user's content: text, or, with an image in it, the parts as they are."""
        if not isinstance(content, list):
            return _text(i, content)
        parts = cast("list[object]", content)
        if not any(_is_image(part) for part in parts):
            return _text(i, parts)
        chunks: list[ContentChunk] = []
        for j, part in enumerate(parts):
            where = f"messages[{i}].content[{j}]"
            if _is_image(part):
                chunks.append(image_chunk(i, cast("dict[str, Any]", part), where))
                self.images.append(where)
            else:
                chunks.append(TextChunk(text=_part(i, j, part, refusals=False)))
        return chunks

    def _require_results(self) -> None:
        if self._waiting:
            i = self._last_assistant
            missing = ", ".join(_shown(call_id) for call_id in self._waiting)
            problem = f"the calls {missing} of messages[{i}] have no tool message with their result"
            raise TranscriptError(i, problem, f"messages[{i}].tool_calls")

    def _read_assistant(self, i: int, message: Mapping[str, Any]) -> None:
        if message.get("function_call") is not None:
            problem = "function_call was replaced by tool_calls"
            raise TranscriptError(i, problem, f"messages[{i}].function_call")
        content = message.get("content")
        text = None if content is None else _text(i, content, refusals=True)
        if text is None and isinstance(refusal := message.get("refusal"), str):
            text = refusal
        self._answered.clear()
        calls = [self._read_call(i, j, call) for j, call in enumerate(_calls(i, message))]
        if not text and not calls:
            return
        self._last_assistant = i
        self._rest.append(AssistantMessage(content=text or None, tool_calls=calls or None))

    def _read_call(self, i: int, j: int, call: object) -> ToolCall:
        where = f"messages[{i}].tool_calls[{j}]"
        if not isinstance(call, dict):
            raise TranscriptError(i, "a tool call is an object", where)
        wire = cast("dict[str, Any]", call)
        if wire.get("type", "function") != "function":
            problem = f"tool calls of type {_shown(wire.get('type'))} are not supported"
            raise TranscriptError(i, problem, f"{where}.type")
        call_id = wire.get("id")
        if not isinstance(call_id, str) or not call_id:
            raise TranscriptError(i, "a tool call needs an id", f"{where}.id")
        if not isinstance(wire.get("function"), dict):
            raise TranscriptError(i, "a tool call needs a function", f"{where}.function")
        function: dict[str, Any] = wire["function"]
        name, arguments = function.get("name"), function.get("arguments")
        if not isinstance(name, str) or _FUNCTION_NAME.fullmatch(name) is None:
            problem = "a function's name has 1 to 64 letters, digits, underscores or dashes"
            raise TranscriptError(i, problem, f"{where}.function.name")
        if call_id in self._waiting:
            raise TranscriptError(i, f"{_shown(call_id)} is the id of two calls", f"{where}.id")
        self._waiting[call_id] = None
        return ToolCall(
            id=self.ids.inward(call_id),
            function=FunctionCall(
                name=name, arguments=_arguments(i, arguments, f"{where}.function.arguments")
            ),
        )

    def _read_result(self, i: int, message: Mapping[str, Any]) -> None:
        param = f"messages[{i}].tool_call_id"
        call_id = message.get("tool_call_id")
        if not isinstance(call_id, str):
            raise TranscriptError(i, "a tool message needs the tool_call_id of its call", param)
        if call_id in self._answered:
            problem = f"the call {_shown(call_id)} has a result already"
            raise TranscriptError(i, problem, param)
        if call_id not in self._waiting:
            problem = f"{_shown(call_id)} is the id of no call in the assistant message before"
            raise TranscriptError(i, problem, param)
        del self._waiting[call_id]
        self._answered.add(call_id)
        name = message.get("name")
        self._rest.append(
            ToolMessage(
                content=_text(i, message.get("content")),
                tool_call_id=self.ids.inward(call_id),
                name=name
                if isinstance(name, str) and _FUNCTION_NAME.fullmatch(name) is not None
                else None,
            )
        )


def _objects(messages: Sequence[object]) -> Sequence[Mapping[str, Any]]:
    for i, message in enumerate(messages):
        if not isinstance(message, dict):
            raise TranscriptError(i, "a message is an object with a role", f"messages[{i}]")
    return cast("Sequence[dict[str, Any]]", messages)


def _calls(i: int, message: Mapping[str, Any]) -> list[Any]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list):
        raise TranscriptError(i, "tool_calls is a list", f"messages[{i}].tool_calls")
    return cast("list[Any]", calls)


def _call_ids(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every call id that the messages mention; what is malformed is told of later, by the reader."""
    found: list[str] = []
    for message in messages:
        if isinstance(calls := message.get("tool_calls"), list):
            each_call = cast("list[object]", calls)
            ids = [cast("dict[str, Any]", c).get("id") for c in each_call if isinstance(c, dict)]
            found += [call_id for call_id in ids if isinstance(call_id, str)]
        if isinstance(call_id := message.get("tool_call_id"), str):
            found.append(call_id)
    return found


def _arguments(i: int, arguments: object, where: str) -> str:
    if not isinstance(arguments, str):
        raise TranscriptError(i, "arguments are a string of JSON", where)
    if not arguments.strip():
        return "{}"
    try:
        parsed = orjson.loads(arguments)
    except orjson.JSONDecodeError as error:
        raise TranscriptError(i, f"arguments are no JSON: {error}", where) from error
    if not isinstance(parsed, dict):
        raise TranscriptError(i, "arguments are a JSON object", where)
    return arguments


def _text(i: int, content: object, *, refusals: bool = False) -> str:
    """The text of a message's content: a string, or text parts joined by a blank line."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        problem = "content is a string or a list of parts"
        raise TranscriptError(i, problem, f"messages[{i}].content")
    parts = cast("list[object]", content)
    if not parts:
        raise TranscriptError(i, "content has no parts", f"messages[{i}].content")
    return _PART_SEPARATOR.join(
        _part(i, j, part, refusals=refusals) for j, part in enumerate(parts)
    )


def _is_image(part: object) -> bool:
    return isinstance(part, dict) and cast("dict[str, Any]", part).get("type") == "image_url"


def _part(i: int, j: int, part: object, *, refusals: bool) -> str:
    where = f"messages[{i}].content[{j}]"
    if not isinstance(part, dict):
        raise TranscriptError(i, "a content part is an object with a type", where)
    wire = cast("dict[str, Any]", part)
    kind = wire.get("type")
    key = "refusal" if refusals and kind == "refusal" else "text"
    if kind != key:
        problem = f"content parts of type {_shown(kind)} are not supported; send text"
        raise TranscriptError(i, problem, where)
    if not isinstance(text := wire.get(key), str):
        raise TranscriptError(i, f"{key} is a string", f"{where}.{key}")
    return text


def _shown(value: object) -> str:
    """A value from the client inside an error message: quoted, and never long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
