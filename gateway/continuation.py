"""What an app did not see of a run that stopped for its own calls, kept until it comes back.

A turn may call tools of the registry and tools of the app at once. The registry's run here, the app
gets only its own, and when it returns with its results its messages know nothing of the others. The
hidden exchange is kept and put back in place of the app's copy of that assistant message, so that the
model reads what it did itself.

Kept by tenant, call ids, calls and the user's words before them: a call id that two conversations
share by chance (models spell ids themselves) never carries one's results into the other. What was
forgotten (bounded by count and age) only costs the model a look back: the app's own copy stays valid.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from tools.spec import ValidCall

Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class _Kept:
    """One exchange, since when it is kept, and its size in characters."""

    since: float
    messages: tuple[ChatMessage, ...]
    size: int


class Continuations:
    """Hidden exchanges: at most `max_kept`, each for at most `max_age_s` seconds.

    `max_characters` bounds the text of all of them together.
    """

    def __init__(
        self,
        *,
        max_kept: int = 2000,
        max_age_s: float = 3600.0,
        max_characters: int = 32 * 1024 * 1024,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_kept = max_kept
        self._max_age_s = max_age_s
        self._max_characters = max_characters
        self._characters = 0
        self._now = now
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def remember(
        self,
        tenant: str,
        asked: Sequence[ChatMessage],
        handed: Sequence[ValidCall],
        hidden: Sequence[ChatMessage],
    ) -> None:
        """Keep `hidden` of a run over `asked` that handed the calls `handed` to the app."""
        calls = [
            ToolCall(
                id=call.id,
                function=FunctionCall(name=call.name, arguments=call.arguments_json()),
            )
            for call in handed
        ]
        key = _key(tenant, _last_words(asked), calls)
        self._drop(key)
        size = sum(len(message.content or "") for message in hidden)
        self._kept[key] = _Kept(self._now(), tuple(hidden), size)
        self._characters += size
        self._forget()

    def restore(self, tenant: str, messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
        """`messages` with every remembered exchange back in its place."""
        self._forget()
        if not self._kept:
            return tuple(messages)
        restored: list[ChatMessage] = []
        words = ""
        for message in messages:
            if isinstance(message, UserMessage):
                words = str(message.content)
            elif isinstance(message, AssistantMessage) and message.tool_calls:
                kept = self._kept.get(_key(tenant, words, message.tool_calls))
                if kept is not None:
                    restored += kept.messages
                    continue
            restored.append(message)
        return tuple(restored)

    def _forget(self) -> None:
        oldest_allowed = self._now() - self._max_age_s
        while self._kept:
            key, oldest = next(iter(self._kept.items()))
            fits = len(self._kept) <= self._max_kept and self._characters <= self._max_characters
            if fits and oldest.since >= oldest_allowed:
                return
            self._drop(key)

    def _drop(self, key: Key) -> None:
        if (dropped := self._kept.pop(key, None)) is not None:
            self._characters -= dropped.size


def _last_words(messages: Sequence[ChatMessage]) -> str:
    for message in reversed(messages):
        if isinstance(message, UserMessage):
            return str(message.content)
    return ""


def _canonical(arguments: str) -> str:
    """Apps may write the same arguments in another order or spacing when they send them back."""
    try:
        parsed = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    return orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS).decode()


def _key(tenant: str, words: str, calls: Sequence[ToolCall]) -> Key:
    digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16)
    for call in calls:
        parts = (call.id, call.function.name, _canonical(call.function.arguments))
        digest.update("\x00".join(parts).encode("utf-8", "surrogatepass") + b"\x01")
    return tenant, digest.digest()
