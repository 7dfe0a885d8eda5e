"""The renderer: loads a tokenizer once, then makes token ids of turns.

The order is the version's (`layout`). For V3 it is `<s>`, the messages, tools and system prompt just
before and inside the *last* user message. So the prefix is stable within one tool loop, and not from
one user message to the next, unless history is folded.

Special tokens come from here only: text of a message or a tool, whatever it looks like, is encoded as
ordinary text. Tool results that are JSON are rendered as JSON for V3, the way these models were
trained, except where reading them would change them (`rereading`): those stay text.

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

from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import Tool

from routing.backend import Turn
from routing.prompt.arranging import arranged
from routing.prompt.folding import folded
from routing.prompt.loading import Loaded, load_tokenizer
from routing.spelling import CallSpelling

_TOOL_LISTS_KEPT = 64


class PromptRenderer:
    """Renders turns with the tokenizer at `tokenizer_path` (a `tekken.json` of V3, V7, V11 or V13).

    `fold_history`: earlier turns are told inside the last user message where tools or system prompt
    would move otherwise (see `folding`).
    """

    def __init__(self, tokenizer_path: Path, *, fold_history: bool = False) -> None:
        self.tokenizer_path = tokenizer_path
        self.fold_history = fold_history
        self._loading = threading.Lock()
        self._tool_tokens: OrderedDict[str, list[int]] = OrderedDict()

    @property
    def loaded(self) -> bool:
        """Whether rendering needs no file any more."""
        return "_loaded" in self.__dict__

    def load(self) -> None:
        """Read the tokenizer now. Blocks; raises `BackendUnavailable` when it is missing or broken."""
        with self._loading:
            _ = self._loaded

    @property
    def spelling(self) -> CallSpelling:
        """How the model spells its calls. Loads the tokenizer."""
        self.load()
        return self._loaded.spelling

    @property
    def never_generated(self) -> tuple[int, ...]:
        """Control tokens that mean something in prompts only. Loads the tokenizer."""
        self.load()
        return self._loaded.never_generated

    def count_tokens(self, turn: Turn) -> int:
        """How many tokens of the context window the turn's prompt takes."""
        return len(self.render(turn))

    def render(self, turn: Turn) -> list[int]:
        """The prompt's token ids, from `<s>` on, ready for the model to go on.

        Raises `BackendRejected` for what the model can't read (an image), with its place.
        """
        self.load()
        instruct, layout = self._loaded.instruct, self._loaded.layout
        turns = turn.messages
        if self.fold_history and layout.moves(
            tools=bool(turn.tools), system=any(isinstance(m, SystemMessage) for m in turns)
        ):
            turns = folded(turns)
        system, messages = arranged(turns, layout)
        users = [i for i, message in enumerate(messages) if isinstance(message, UserMessage)]
        last_user = users[-1]
        tools_at = users[0] if layout.tools_first else last_user
        tokens = instruct.start()
        for index, message in enumerate(messages):
            if isinstance(message, UserMessage):
                if index == tools_at and turn.tools:
                    tokens += self._tools(turn.tools)
                is_last = index == last_user
                tokens += instruct.encode_user_message(
                    message, None, is_last, index == 0, system_prompt=system
                )[0]
            elif isinstance(message, AssistantMessage):
                tokens += instruct.encode_assistant_message(message, index < last_user)
            elif isinstance(message, ToolMessage):
                tokens += instruct.encode_tool_message(message, index < last_user)[0]
            else:
                tokens += instruct.encode_system_message(message)[0]
        return tokens

    def _tools(self, tools: Sequence[Tool]) -> list[int]:
        """`[AVAILABLE_TOOLS]…[/AVAILABLE_TOOLS]`; the lists last used are kept, by value."""
        shown = [tool.model_dump(exclude={"function": {"strict"}}) for tool in tools]
        text = json.dumps(shown, ensure_ascii=False)
        tokens = self._tool_tokens.pop(text, None)
        if tokens is None:
            instruct = self._loaded.instruct
            inner = instruct.tokenizer.encode(text, bos=False, eos=False)
            tokens = [instruct.BEGIN_AVAILABLE_TOOLS, *inner, instruct.END_AVAILABLE_TOOLS]
        self._tool_tokens[text] = tokens
        while len(self._tool_tokens) > _TOOL_LISTS_KEPT:
            self._tool_tokens.popitem(last=False)
        return tokens

    @cached_property
    def _loaded(self) -> Loaded:
        return load_tokenizer(self.tokenizer_path)
