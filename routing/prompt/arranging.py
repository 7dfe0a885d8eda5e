"""Our conversation as the messages that one tokenizer version can encode. Pure.

Neighbours of one role become one message, as in training; an assistant message that says nothing is
left out; where no user message stands (V3: none at the beginning), an empty one does, so that
something is asked and the tools have their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from mistral_common.protocol.instruct.chunk import TextChunk
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from routing.errors import BackendRejected
from routing.prompt.layout import Layout
from routing.prompt.rereading import rereadable

MESSAGE_BREAK = "\n\n"
_NO_ID = "null"
_UNSEEN_ID = "000000000"
"""For V13's encoder, which insists on an id and does not write it."""


def arranged(
    messages: Sequence[ChatMessage], layout: Layout
) -> tuple[str | None, list[ChatMessage]]:
    """The system prompt where the layout has a single one, and the messages to encode in order.

    Raises `BackendRejected`, with the message's index, for what is no text.
    """
    system: list[str] = []
    parts: list[ChatMessage] = []
    order = _in_order(messages) if layout.sorts_results else range(len(messages))
    for index in order:
        message = messages[index]
        text = text_of(message, index)
        if isinstance(message, UserMessage):
            parts.append(UserMessage(content=text))
        elif isinstance(message, AssistantMessage):
            parts += _assistant(message, text, layout)
        elif isinstance(message, ToolMessage):
            content = rereadable(text) if layout.reads_results else text
            parts.append(ToolMessage(content=content, tool_call_id=message.tool_call_id or _NO_ID))
        elif layout.system_in_user:
            system.append(text)
        else:
            parts.append(SystemMessage(content=text))
    if _lacks_user(parts, layout):
        parts.insert(_behind_system(parts), UserMessage(content=""))
    merged = _merged(parts, layout)
    return MESSAGE_BREAK.join(filter(None, system)) or None, merged


def text_of(message: ChatMessage, index: int) -> str:
    """The message's text. Raises `BackendRejected` for a part that is none."""
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    texts: list[str] = []
    for part, chunk in enumerate(content):
        if not isinstance(chunk, TextChunk):
            where = f"messages[{index}].content[{part}]"
            raise BackendRejected(f"{where}: this model reads text only, not {chunk.type}")
        texts.append(chunk.text)
    return MESSAGE_BREAK.join(texts)


def _assistant(message: AssistantMessage, text: str, layout: Layout) -> list[ChatMessage]:
    """One message, two where content and calls can't stand together, none where it says nothing."""
    said = text if text.strip(" ") else None
    calls = [_call(call, layout) for call in message.tool_calls or ()]
    if said and calls and layout.content_or_calls:
        return [AssistantMessage(content=said), AssistantMessage(tool_calls=calls)]
    if said or calls:
        return [AssistantMessage(content=said, tool_calls=calls or None)]
    return []


def _call(call: ToolCall, layout: Layout) -> ToolCall:
    arguments = rereadable(call.function.arguments or "{}")
    return ToolCall(
        id=call.id if layout.call_ids else _UNSEEN_ID,
        function=FunctionCall(name=call.function.name, arguments=arguments),
    )


def _lacks_user(messages: Sequence[ChatMessage], layout: Layout) -> bool:
    """Whether an empty question has to be put in; V3 was trained on conversations that a user begins."""
    if layout.system_in_user:
        return not messages or not isinstance(messages[0], UserMessage)
    return not any(isinstance(message, UserMessage) for message in messages)


def _behind_system(messages: Sequence[ChatMessage]) -> int:
    for index, message in enumerate(messages):
        if not isinstance(message, SystemMessage):
            return index
    return len(messages)


def _merged(messages: Sequence[ChatMessage], layout: Layout) -> list[ChatMessage]:
    merged: list[ChatMessage] = []
    for message in messages:
        before = merged[-1] if merged else None
        joined = None
        if isinstance(message, UserMessage) and isinstance(before, UserMessage):
            joined = UserMessage(content=_joined(before, message) or "")
        elif isinstance(message, AssistantMessage) and isinstance(before, AssistantMessage):
            joined = _joined_assistants(before, message, layout)
        if joined is None:
            merged.append(message)
        else:
            merged[-1] = joined
    return merged


def _joined_assistants(
    before: AssistantMessage, after: AssistantMessage, layout: Layout
) -> AssistantMessage | None:
    calls = [*(before.tool_calls or ()), *(after.tool_calls or ())]
    if calls and layout.content_or_calls:
        return None
    return AssistantMessage(content=_joined(before, after), tool_calls=calls or None)


def _joined(before: ChatMessage, after: ChatMessage) -> str | None:
    parts = (before.content, after.content)
    return MESSAGE_BREAK.join(str(part) for part in parts if part) or None


def _in_order(messages: Sequence[ChatMessage]) -> list[int]:
    """The messages' indices, results of one turn in the order of its calls, orphans behind them."""
    order = list(range(len(messages)))
    places: dict[str | None, int] = {}
    begin = 0
    for index, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            continue
        _sort(order, begin, index, messages, places)
        begin = index + 1
        if isinstance(message, AssistantMessage):
            places = {call.id: place for place, call in enumerate(message.tool_calls or ())}
    _sort(order, begin, len(messages), messages, places)
    return order


def _sort(
    order: list[int],
    begin: int,
    end: int,
    messages: Sequence[ChatMessage],
    places: Mapping[str | None, int],
) -> None:
    if end - begin > 1:
        order[begin:end] = sorted(
            order[begin:end],
            key=lambda index: places.get(getattr(messages[index], "tool_call_id", None), inf),
        )
