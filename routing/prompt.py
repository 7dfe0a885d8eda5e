"""From a `Turn` to the token ids that a V3-Tekken model reads.

What it is: mistral-common's encoders for single messages, put together for conversations as they are:
content beside calls, empty messages, several users in a row, a system prompt anywhere. Nothing that
the canonical transcript can hold makes it raise, save what the model can't read at all (images).
What it is not: a validator of conversations; that happened at the edge.

The order is V3's: `<s>`, the messages, tools and system prompt just before and inside the *last* user
message. So the prefix is stable within one tool loop, and not from one user message to the next.

Special tokens come from here only: text of a message or a tool, whatever it looks like, is encoded as
ordinary text. Tool results that are JSON are rendered as JSON, the way these models were trained,
except where reading them would change them (`1e5`, `NaN`, a number of 5,000 digits): those stay text.

Importing this is cheap, loading a tokenizer is not (0.05 s for the embedded model's, 0.8 s and 180 MB
for a full one): it happens at the first `load`, `render` or `count_tokens`. Safe to use from threads.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistral_common.exceptions import MistralCommonException
from mistral_common.protocol.instruct.chunk import TextChunk
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, Tool, ToolCall

from routing.backend import Turn
from routing.errors import BackendRejected, BackendUnavailable

if TYPE_CHECKING:
    from mistral_common.tokens.tokenizers.instruct import InstructTokenizerV3

TOOL_CALLS_ID = 9
"""`[TOOL_CALLS]` in every V3-Tekken vocabulary."""

_MESSAGE_BREAK = "\n\n"
_TOOL_LISTS_KEPT = 64
_HIGHEST_VERSION = "v3"


class PromptRenderer:
    """Renders turns with the tokenizer at `tokenizer_path` (a V3 `tekken.json`)."""

    def __init__(self, tokenizer_path: Path) -> None:
        self.tokenizer_path = tokenizer_path
        self._loading = threading.Lock()
        self._tool_tokens: OrderedDict[str, list[int]] = OrderedDict()

    @property
    def loaded(self) -> bool:
        """Whether rendering needs no file any more."""
        return "_instruct" in self.__dict__

    def load(self) -> None:
        """Read the tokenizer now. Blocks; raises `BackendUnavailable` when it is missing or broken."""
        with self._loading:
            _ = self._instruct

    def count_tokens(self, turn: Turn) -> int:
        """How many tokens of the context window the turn's prompt takes."""
        return len(self.render(turn))

    def render(self, turn: Turn) -> list[int]:
        """The prompt's token ids, from `<s>` on, ready for the model to go on."""
        self.load()
        instruct = self._instruct
        system, messages = _arranged(turn.messages)
        last_user = max(i for i, message in enumerate(messages) if isinstance(message, UserMessage))
        tokens = instruct.start()
        for index, message in enumerate(messages):
            if isinstance(message, UserMessage):
                is_last = index == last_user
                if is_last and turn.tools:
                    tokens += self._tools(turn.tools)
                tokens += instruct.encode_user_message(
                    message, None, is_last, index == 0, system_prompt=system
                )[0]
            elif isinstance(message, AssistantMessage):
                tokens += instruct.encode_assistant_message(message, index < last_user)
            elif isinstance(message, ToolMessage):
                tokens += instruct.encode_tool_message(message, index < last_user)[0]
        return tokens

    def _tools(self, tools: Sequence[Tool]) -> list[int]:
        """`[AVAILABLE_TOOLS]…[/AVAILABLE_TOOLS]`; the lists last used are kept, by value."""
        shown = [tool.model_dump(exclude={"function": {"strict"}}) for tool in tools]
        text = json.dumps(shown, ensure_ascii=False)
        tokens = self._tool_tokens.pop(text, None)
        if tokens is None:
            instruct = self._instruct
            inner = instruct.tokenizer.encode(text, bos=False, eos=False)
            tokens = [instruct.BEGIN_AVAILABLE_TOOLS, *inner, instruct.END_AVAILABLE_TOOLS]
        self._tool_tokens[text] = tokens
        while len(self._tool_tokens) > _TOOL_LISTS_KEPT:
            self._tool_tokens.popitem(last=False)
        return tokens

    @cached_property
    def _instruct(self) -> InstructTokenizerV3[Any, Any, Any]:
        from mistral_common.tokens.tokenizers.instruct import InstructTokenizerV3
        from mistral_common.tokens.tokenizers.tekken import Tekkenizer

        try:
            tokenizer = Tekkenizer.from_file(self.tokenizer_path)
        except (OSError, ValueError, KeyError, AssertionError, MistralCommonException) as error:
            message = f"no usable tokenizer at {self.tokenizer_path}: {error}"
            raise BackendUnavailable(message) from error
        if tokenizer.version.value != _HIGHEST_VERSION:
            message = f"{self.tokenizer_path} is {tokenizer.version.value}, only v3 is rendered"
            raise BackendUnavailable(message)
        return InstructTokenizerV3[Any, Any, Any](tokenizer)


def _arranged(messages: Sequence[ChatMessage]) -> tuple[str | None, list[ChatMessage]]:
    """The system prompt, and the other messages as V3 can encode them; at least one is a user's."""
    system: list[str] = []
    arranged: list[ChatMessage] = []
    for index, message in enumerate(messages):
        text = _text_of(message, index)
        if isinstance(message, SystemMessage):
            system.append(text)
        elif isinstance(message, UserMessage):
            arranged.append(UserMessage(content=text))
        elif isinstance(message, ToolMessage):
            arranged.append(
                ToolMessage(content=_rereadable(text), tool_call_id=message.tool_call_id or "null")
            )
        else:
            arranged += _assistant_parts(message, text)
    if not any(isinstance(message, UserMessage) for message in arranged):
        arranged.insert(0, UserMessage(content=""))
    return _MESSAGE_BREAK.join(filter(None, system)) or None, _merged(arranged)


def _assistant_parts(message: AssistantMessage, text: str) -> list[ChatMessage]:
    """V3 knows content or calls in a message: both become two messages, none becomes none."""
    parts: list[ChatMessage] = []
    if text.strip(" "):
        parts.append(AssistantMessage(content=text))
    if message.tool_calls:
        calls = [
            ToolCall(
                id=call.id,
                function=FunctionCall(
                    name=call.function.name,
                    arguments=_rereadable(call.function.arguments or "{}"),
                ),
            )
            for call in message.tool_calls
        ]
        parts.append(AssistantMessage(content=None, tool_calls=calls))
    return parts


def _merged(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Neighbours that both are a user's, or both an assistant's text, become one, as in training."""
    merged: list[ChatMessage] = []
    for message in messages:
        before = merged[-1] if merged else None
        if isinstance(message, UserMessage) and isinstance(before, UserMessage):
            merged[-1] = UserMessage(content=_joined(before, message))
        elif (
            isinstance(message, AssistantMessage)
            and isinstance(before, AssistantMessage)
            and not message.tool_calls
            and not before.tool_calls
        ):
            merged[-1] = AssistantMessage(content=_joined(before, message))
        else:
            merged.append(message)
    return merged


def _joined(before: ChatMessage, after: ChatMessage) -> str:
    return _MESSAGE_BREAK.join(part for part in (str(before.content), str(after.content)) if part)


def _text_of(message: ChatMessage, index: int) -> str:
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    texts: list[str] = []
    for chunk in content:
        if not isinstance(chunk, TextChunk):
            problem = f"messages[{index}]: this model reads text only, not {chunk.type}"
            raise BackendRejected(problem)
        texts.append(chunk.text)
    return _MESSAGE_BREAK.join(texts)


def _rereadable(text: str) -> str:
    """`text`, or its JSON string where mistral-common's own reading of it would change or break it."""
    try:
        value = json.loads(text, parse_constant=_refuse)
        spelled = json.dumps(value, ensure_ascii=False)
    except json.JSONDecodeError:
        return text
    except (ValueError, RecursionError):  # NaN, too many digits, too deep
        return json.dumps(text)
    if isinstance(value, dict | list):
        return text
    return text if spelled == text.strip() else json.dumps(text)


def _refuse(constant: str) -> object:
    raise ValueError(constant)
