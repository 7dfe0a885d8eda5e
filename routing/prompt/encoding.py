"""One message as tokens, by mistral-common's encoder for its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    ToolMessage,
    UserMessage,
)

if TYPE_CHECKING:
    from routing.prompt.loading import Encoders


class Part(NamedTuple):
    """An arranged message and what its form depends on besides; the latter for users' alone."""

    message: ChatMessage
    is_last: bool = False
    is_first: bool = False
    system: str | None = None


def encoded(part: Part, instruct: Encoders) -> list[int]:
    """The message's tokens. From V3 on they are the same before and behind the last user message."""
    match part.message:
        case UserMessage() as asked:
            return instruct.encode_user_message(
                asked, None, part.is_last, part.is_first, system_prompt=part.system
            )[0]
        case AssistantMessage() as said:
            return instruct.encode_assistant_message(said, is_before_last_user_message=False)
        case ToolMessage() as result:
            return instruct.encode_tool_message(result, is_before_last_user_message=False)[0]
        case instruction:
            return instruct.encode_system_message(instruction)[0]
