"""How many tokens a message takes, remembered by what it says; and a guess where no tokenizer is known.

What is remembered is a digest and a number, never the text.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

from mistral_common.protocol.instruct.chunk import TextChunk
from mistral_common.protocol.instruct.messages import AssistantMessage, ChatMessage

from routing.backend import TokenCount, Turn
from routing.prompt.encoding import Part

_KEPT = 16_384
"""Counts of messages; about two megabytes."""
_AROUND_A_MESSAGE = 4
"""Tokens about a message: its role, its end."""
_IMAGE_TOKENS = 4_096
"""The most that one image takes in Mistral's models that read them."""


class Counts:
    """The counts last asked for. Safe to use from threads."""

    def __init__(self) -> None:
        self._counts: OrderedDict[bytes, int] = OrderedDict()

    def get(self, counted: ChatMessage | Part, count: Callable[[], int]) -> int:
        """The remembered count, or what `count` gives."""
        key = _digest(counted)
        found = self._counts.pop(key, None)
        self._counts[key] = number = count() if found is None else found
        while len(self._counts) > _KEPT:
            self._counts.popitem(last=False)
        return number


def _digest(counted: ChatMessage | Part) -> bytes:
    message, *form = counted if isinstance(counted, Part) else (counted, "alone")
    told = f"{message.role} {message.model_dump_json()} {form}"
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def guessed_tokens(turn: Turn, bytes_per_token: int) -> TokenCount:
    """A count for a model whose tokenizer is not here, by the bytes of what is said."""
    messages = tuple(_guess(message, bytes_per_token) for message in turn.messages)
    tools = sum(_tokens(tool.model_dump_json(), bytes_per_token) for tool in turn.tools)
    return TokenCount(sum(messages) + tools, messages)


def _guess(message: ChatMessage, bytes_per_token: int) -> int:
    tokens = _AROUND_A_MESSAGE
    content = message.content
    if isinstance(content, str):
        tokens += _tokens(content, bytes_per_token)
    for chunk in content if isinstance(content, list) else ():
        is_text = isinstance(chunk, TextChunk)
        tokens += _tokens(chunk.text, bytes_per_token) if is_text else _IMAGE_TOKENS
    if isinstance(message, AssistantMessage):
        for call in message.tool_calls or ():
            tokens += _AROUND_A_MESSAGE
            tokens += _tokens(call.function.name + call.function.arguments, bytes_per_token)
    return tokens


def _tokens(text: str, bytes_per_token: int) -> int:
    return -(-len(text.encode("utf-8", "replace")) // bytes_per_token)
