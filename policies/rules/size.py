"""How large a request may be."""

from __future__ import annotations

from collections.abc import Sequence

from mistral_common.protocol.instruct.messages import ChatMessage

from policies.decision import ALLOW, Allow, Decision, Deny
from policies.policy import Policy, Subject
from tools.spec import ValidCall


class RequestSize(Policy):
    """At most `messages` messages and `characters` characters of content in a request."""

    name = "request_size"

    def __init__(self, messages: int = 2_000, characters: int = 1_000_000) -> None:
        self._messages = messages
        self._characters = characters

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        del subject
        if len(messages) > self._messages:
            return Deny(
                f"{len(messages)} messages; at most {self._messages} are allowed", self.name
            )
        characters = sum(_characters(message) for message in messages)
        if characters > self._characters:
            return Deny(
                f"{characters} characters; at most {self._characters} are allowed", self.name
            )
        return ALLOW


class CallSize(Policy):
    """At most `characters` characters of JSON in the arguments of a call."""

    name = "call_size"

    def __init__(self, characters: int = 100_000) -> None:
        self._characters = characters

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        del subject
        characters = len(call.arguments_json())
        if characters <= self._characters:
            return ALLOW
        return Deny(
            f"its arguments have {characters} characters; at most {self._characters} are allowed",
            self.name,
        )


def _characters(message: ChatMessage) -> int:
    content = message.content
    if isinstance(content, str):
        return len(content)
    return 0 if content is None else sum(len(str(chunk)) for chunk in content)
