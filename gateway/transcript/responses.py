"""Items of the Responses API ⇄ the canonical conversation.

`from_items` reads items in their stored form (`gateway.transcript.response_items` makes it). Accepted
and made canonical: system and developer messages go first; an assistant's message and the calls behind
it are one turn, and so are calls until the last of them has its output; a compaction, and reasoning
that this gateway made, are replaced by what they hold; other reasoning is passed over; a call of status
`incomplete` without an output (a run that was cut inside it) is dropped. Everything else that is not a
conversation is refused, with its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from mistral_common.protocol.instruct.chunk import (
    ContentChunk,
    ImageURL,
    ImageURLChunk,
    TextChunk,
)
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.transcript.chat import Transcript
from gateway.transcript.errors import TranscriptError
from gateway.transcript.ids import CallIds
from gateway.transcript.response_items import Item, NewId, read_items
from gateway.transcript.sealed import SealBroken, is_ours, unseal

_PART_SEPARATOR = "\n\n"
_SHOWN = 64


def from_items(
    history: Sequence[Mapping[str, Any]],
    inputs: Sequence[Mapping[str, Any]],
    instructions: str | None = None,
    *,
    asks: bool = True,
) -> Transcript:
    """The conversation of a request: `instructions` first, then what was before, then its input.

    One that `asks` for an answer doesn't end with the model's words. Errors name places in `inputs`;
    where the history itself lacks something, the `input` as a whole.
    """
    items = [*_expanded(history, "input", own=False), *_expanded(inputs, "input", own=True)]
    reader = _Reader(items)
    if instructions is not None:
        reader.instruct(instructions)
    return Transcript(reader.read(asks=asks), reader.ids, tuple(reader.images))


def expanded(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The items with every compaction replaced by what it holds. Raises `TranscriptError`."""
    return [placed.item for placed in _expanded(items, "input", own=True)]


def to_items(
    messages: Sequence[ChatMessage], new_id: NewId, ids: CallIds | None = None
) -> list[Item]:
    """Canonical messages as items, call ids restored to the client's."""
    names = ids or CallIds()
    return [item for message in messages for item in _message_to_items(message, new_id, names)]


def _message_to_items(message: ChatMessage, new_id: NewId, ids: CallIds) -> list[Item]:
    items: list[Item] = []
    if isinstance(message, ToolMessage):
        items.append(
            {
                "type": "function_call_output",
                "id": new_id("fco"),
                "call_id": ids.outward(message.tool_call_id or ""),
                "output": str(message.content),
                "status": "completed",
            }
        )
        return items
    calls = (message.tool_calls if isinstance(message, AssistantMessage) else None) or ()
    if message.content or not calls:
        said: Item = {"role": str(message.role), "content": _parts(message.content)}
        if isinstance(message, AssistantMessage):
            said["phase"] = "commentary" if calls else "final_answer"
        items += read_items([said], new_id)
    items += [
        {
            "type": "function_call",
            "id": new_id("fc"),
            "call_id": ids.outward(call.id),
            "name": call.function.name,
            "arguments": call.function.arguments,
            "status": "completed",
        }
        for call in calls
    ]
    return items


def _parts(content: object) -> Any:
    """A message's content as an item has it."""
    if not isinstance(content, list):
        return str(content or "")
    return [_part(chunk) for chunk in cast("list[ContentChunk]", content)]


def _part(chunk: ContentChunk) -> Item:
    match chunk:
        case ImageURLChunk(image_url=ImageURL(url=url, detail=detail)):
            return {"type": "input_image", "image_url": url, "detail": detail or "auto"}
        case ImageURLChunk(image_url=url):
            return {"type": "input_image", "image_url": url}
        case TextChunk(text=text):
            return {"type": "input_text", "text": text}
        case _:
            raise TypeError(f"canonical messages hold no {type(chunk).__name__}")


@dataclass(frozen=True, slots=True)
class _Placed:
    """An item and its path in the request; `input` for what the request did not bring itself.

    `held` when it comes out of another item.
    """

    index: int
    where: str
    item: Mapping[str, Any]
    own: bool
    held: bool = False

    def at(self, key: str) -> str:
        return f"{self.where}.{key}" if self.own else self.where


_HELD_IN = {
    "compaction": frozenset({"message", "function_call", "function_call_output", "reasoning"}),
    "reasoning": frozenset({"function_call", "function_call_output"}),
}
"""What the items that hold others may hold."""


def _expanded(items: Sequence[Mapping[str, Any]], where: str, *, own: bool) -> list[_Placed]:
    """The items, and in place of each that holds others those."""
    placed: list[_Placed] = []
    for i, item in enumerate(items):
        each = _Placed(i, f"{where}[{i}]" if own else where, item, own)
        placed += _held_in(each) if _holds(item) else [each]
    return placed


def _holds(item: Mapping[str, Any]) -> bool:
    """Whether an item holds others; reasoning may be some other model's, and sealed by it."""
    sealed = item.get("encrypted_content")
    return item["type"] == "compaction" or (
        item["type"] == "reasoning" and isinstance(sealed, str) and is_ours(sealed)
    )


def _held_in(holder: _Placed) -> list[_Placed]:
    problem_at = holder.at("encrypted_content")
    allowed = _HELD_IN[holder.item["type"]]
    try:
        held = read_items(unseal(holder.item["encrypted_content"]), lambda prefix: prefix)
    except SealBroken as broken:
        raise TranscriptError(holder.index, str(broken), problem_at) from broken
    except TranscriptError as error:
        raise TranscriptError(holder.index, error.message, problem_at) from error
    if not all(each["type"] in allowed for each in held):
        raise TranscriptError(holder.index, "the item was altered", problem_at)
    return [_Placed(holder.index, holder.where, each, own=False, held=True) for each in held]


@dataclass(slots=True)
class _Turn:
    """What the model did before it was answered: its text, its calls, their results so far."""

    began: _Placed
    texts: list[str] = field(default_factory=list[str])
    calls: dict[str, tuple[_Placed, ToolCall]] = field(
        default_factory=dict[str, tuple[_Placed, ToolCall]]
    )
    results: dict[str, ToolMessage] = field(default_factory=dict[str, ToolMessage])

    @property
    def waits(self) -> bool:
        return len(self.results) < len(self.calls)

    @property
    def is_over(self) -> bool:
        """Whether what the model does next belongs to another turn."""
        return bool(self.results) and not self.waits


class _Reader:
    """One pass over the items; remembers the turn whose calls still wait for their outputs."""

    def __init__(self, items: Sequence[_Placed]) -> None:
        self._items = items
        self.ids = CallIds(each.item["call_id"] for each in items if "call_id" in each.item)
        self._system: list[ChatMessage] = []
        self._rest: list[ChatMessage] = []
        self._turn: _Turn | None = None
        self.images: list[str] = []

    def instruct(self, instructions: str) -> None:
        self._system.append(SystemMessage(content=instructions))

    def read(self, *, asks: bool) -> tuple[ChatMessage, ...]:
        for each in self._items:
            match each.item["type"]:
                case "message":
                    self._read_message(each)
                case "function_call":
                    self._read_call(each)
                case "function_call_output":
                    self._read_output(each)
                case _:  # reasoning: kept for the app, not for the models
                    pass
        last = self._turn
        self._end_turn()
        if asks and self._rest and isinstance(self._rest[-1], AssistantMessage):
            problem = "the last item is the assistant's; end with a user message or an output"
            at = last.began if last else self._items[-1]
            raise TranscriptError(at.index, problem, at.where)
        if not (self._system or self._rest):
            raise TranscriptError(0, "there is no message in the input", "input")
        return (*self._system, *self._rest)

    def _read_message(self, each: _Placed) -> None:
        parts = each.item["content"]
        match each.item["role"]:
            case "assistant":
                turn = self._turn
                if turn is None or not turn.waits:
                    self._end_turn()
                    turn = self._turn = _Turn(each)
                turn.texts.append(_text(parts))
            case "user":
                self._end_turn()
                self._rest.append(UserMessage(content=self._said(each, parts)))
            case _:
                self._system.append(SystemMessage(content=_text(parts)))

    def _said(self, each: _Placed, parts: Sequence[Mapping[str, Any]]) -> str | list[ContentChunk]:
        """A user's content: text, or, with an image in it, the parts as they are."""
        if all(part["type"] != "input_image" for part in parts):
            return _text(parts)
        chunks: list[ContentChunk] = []
        for j, part in enumerate(parts):
            if part["type"] == "input_image":
                self.images.append(each.at(f"content[{j}]"))
                url = ImageURL(url=part["image_url"], detail=part["detail"])
                chunks.append(ImageURLChunk(image_url=url))
            else:
                chunks.append(TextChunk(text=part["text"]))
        return chunks

    def _read_call(self, each: _Placed) -> None:
        if self._turn is None or self._turn.is_over:
            self._end_turn()
            self._turn = _Turn(each)
        call_id: str = each.item["call_id"]
        if call_id in self._turn.calls:
            if self._turn.calls[call_id][0].held and not each.held:
                return  # the app's own call, which stands in what was done beside it, too
            problem = f"{_shown(call_id)} is the id of two calls"
            raise TranscriptError(each.index, problem, each.at("call_id"))
        name, arguments = each.item["name"], _arguments(each)
        call = ToolCall(
            id=self.ids.inward(call_id), function=FunctionCall(name=name, arguments=arguments)
        )
        self._turn.calls[call_id] = each, call

    def _read_output(self, each: _Placed) -> None:
        call_id: str = each.item["call_id"]
        turn = self._turn
        if turn is None or call_id not in turn.calls:
            problem = f"no function call with the call_id {_shown(call_id)} waits for an output"
            raise TranscriptError(each.index, problem, each.at("call_id"))
        if call_id in turn.results:
            problem = f"the call {_shown(call_id)} has an output already"
            raise TranscriptError(each.index, problem, each.at("call_id"))
        _, call = turn.calls[call_id]
        output = each.item["output"]
        turn.results[call_id] = ToolMessage(
            content=output if isinstance(output, str) else _text(output),
            tool_call_id=call.id,
            name=call.function.name,
        )

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        for call_id, (each, _) in list(turn.calls.items()):
            if call_id in turn.results:
                continue
            if each.item.get("status") != "incomplete":
                problem = f"no output was given for the function call {_shown(call_id)}"
                raise TranscriptError(each.index, problem, each.where)
            del turn.calls[call_id]
        text = _PART_SEPARATOR.join(each for each in turn.texts if each)
        calls = [call for _, call in turn.calls.values()]
        if text or calls:
            self._rest.append(AssistantMessage(content=text or None, tool_calls=calls or None))
            self._rest += turn.results.values()


def _arguments(each: _Placed) -> str:
    arguments: str = each.item["arguments"]
    if not arguments.strip():
        return "{}"
    try:
        parsed = orjson.loads(arguments)
    except orjson.JSONDecodeError as error:
        problem = f"arguments are no JSON: {error}"
        raise TranscriptError(each.index, problem, each.at("arguments")) from error
    if not isinstance(parsed, dict):
        raise TranscriptError(each.index, "arguments are a JSON object", each.at("arguments"))
    return arguments


def _text(parts: Sequence[Mapping[str, Any]]) -> str:
    return _PART_SEPARATOR.join(part.get("text", part.get("refusal", "")) for part in parts)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
