"""Earlier turns told inside the last user message, so that the prompt's beginning stays the same.

V3, V7 and V11 show the tools before the *last* user message (V3 the system prompt, too), wherever that
is: with every new one they move, and all behind their old place is read anew. Folded, only one user
message is left: tools and system prompt stand first, and history only grows at its end. The rest of
the turn, its calls and results, stays native.

Each earlier message is one line of JSON, so that no text in it can pass for another message.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

from routing.prompt.arranging import MESSAGE_BREAK, text_of

EARLIER = "The conversation so far, one message a line:"
NOW = "The user now says:"


def folded(messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
    """`messages` with one user message; as they are where nothing stands before the last one.

    Raises `BackendRejected`, with the message's index, for what is no text.
    """
    texts = [text_of(message, index) for index, message in enumerate(messages)]
    begin = _last_turn(messages)
    earlier = [
        _line(message, text)
        for message, text in zip(messages[:begin], texts[:begin], strict=True)
        if not isinstance(message, SystemMessage)
    ]
    if not earlier:
        return messages
    systems = [message for message in messages if isinstance(message, SystemMessage)]
    rest = [message for message in messages[begin:] if not isinstance(message, SystemMessage)]
    said: list[str] = []
    while rest and isinstance(rest[0], UserMessage):
        said.append(text_of(rest.pop(0), begin))
    asked = MESSAGE_BREAK.join(filter(None, said))
    history = "\n".join([EARLIER, *earlier])
    folded_turn = UserMessage(content=f"{history}{MESSAGE_BREAK}{NOW}{MESSAGE_BREAK}{asked}")
    return [*systems, folded_turn, *rest]


def _last_turn(messages: Sequence[ChatMessage]) -> int:
    """Where the last run of user messages begins, system messages within it left aside; 0: nowhere."""
    begin = 0
    in_run = False
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message, UserMessage):
            begin, in_run = index, True
        elif in_run and not isinstance(message, SystemMessage):
            break
    return begin


def _line(message: ChatMessage, text: str) -> str:
    told: dict[str, Any] = {"role": str(message.role)}
    if text or not isinstance(message, AssistantMessage):
        told["content"] = text
    if isinstance(message, AssistantMessage) and message.tool_calls:
        told["calls"] = [
            {"name": call.function.name, "arguments": call.function.arguments, "id": call.id}
            for call in message.tool_calls
        ]
    if isinstance(message, ToolMessage):
        told["call_id"] = message.tool_call_id
    return json.dumps(told, ensure_ascii=False)
