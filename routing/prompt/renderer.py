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
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from mistral_common.protocol.instruct.messages import ChatMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.tool_calls import Tool

from routing.backend import TokenCount, Turn
from routing.prompt.arranging import arranged
from routing.prompt.counting import Counts
from routing.prompt.encoding import Part, encoded
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
        self._counts = Counts()

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

    def count_tokens(self, turn: Turn) -> TokenCount:
        """How many tokens `render` would give. A message that was counted before is not read again.

        Raises `BackendRejected` as `render` does.
        """
        self.load()
        total = len(self._loaded.instruct.start())
        for part in self._parts(turn):
            total += self._counted(part) if isinstance(part, Part) else len(part)
        return TokenCount(total, tuple(map(self._alone, turn.messages)), is_exact=True)

    def render(self, turn: Turn) -> list[int]:
        """The prompt's token ids, from `<s>` on, ready for the model to go on.

        Raises `BackendRejected` for what the model can't read (an image), with its place.
        """
        self.load()
        tokens = self._loaded.instruct.start()
        for part in self._parts(turn):
            tokens += encoded(part, self._loaded.instruct) if isinstance(part, Part) else part
        return tokens

    def _parts(self, turn: Turn) -> Iterator[Part | list[int]]:
        """The prompt behind `<s>`: messages to encode, and the tokens of the tools among them."""
        layout, turns = self._loaded.layout, turn.messages
        if self.fold_history and layout.moves(
            tools=bool(turn.tools), system=any(isinstance(m, SystemMessage) for m in turns)
        ):
            turns = folded(turns)
        system, messages = arranged(turns, layout)
        users = [i for i, message in enumerate(messages) if isinstance(message, UserMessage)]
        last_user = users[-1]
        tools_at = users[0] if layout.tools_first else last_user
        for index, message in enumerate(messages):
            if index == tools_at and turn.tools:
                yield self._tools(turn.tools)
            if isinstance(message, UserMessage):
                yield Part(message, index == last_user, index == 0, system)
            else:
                yield Part(message)

    def _counted(self, part: Part) -> int:
        return self._counts.get(part, lambda: len(encoded(part, self._loaded.instruct)))

    def _alone(self, message: ChatMessage) -> int:
        """What a message takes by itself, without the question that is put in where none stands."""

        def count() -> int:
            system, parts = arranged([message], self._loaded.layout)
            own = sum(self._counted(Part(each)) for each in parts if each.role == message.role)
            tokenizer = self._loaded.instruct.tokenizer
            return own + (len(tokenizer.encode(system, bos=False, eos=False)) if system else 0)

        return self._counts.get(message, count)

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
