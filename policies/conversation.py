"""Who said what in a conversation: the words of users and operators, and those that tools brought."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mistral_common.protocol.instruct.messages import (
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)


@dataclass(frozen=True, slots=True)
class Brought:
    """What a tool brought into the conversation."""

    tool: str
    call_id: str
    text: str


def words(message: ChatMessage) -> str:
    """A message's text, its parts one below the other; images and the like have none."""
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(filter(None, (getattr(part, "text", None) for part in content)))


def said(messages: Iterable[ChatMessage]) -> Iterator[str]:
    """What the people behind the request said: the app's instructions and its user."""
    return (words(each) for each in messages if isinstance(each, UserMessage | SystemMessage))


def brought(messages: Sequence[ChatMessage]) -> Iterator[Brought]:
    """The results of tools, the app's own too, in the order in which they came."""
    names = {
        call.id: call.function.name
        for message in messages
        for call in getattr(message, "tool_calls", None) or ()
    }
    for message in messages:
        if isinstance(message, ToolMessage):
            call_id = message.tool_call_id or ""
            yield Brought(names.get(call_id) or message.name or "", call_id, words(message))
