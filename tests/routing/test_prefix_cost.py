"""What the placement of tools and system prompt costs, in tokens that an engine has to read anew.

Ten questions of one conversation, four tools, a system prompt, a call and its result in each. Each prompt
is compared with the one before it: what both begin with is in the engine's prefix cache, the rest is read.
`pytest -s tests/routing/test_prefix_cost.py` prints the table of docs/context.md.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from mistral_common.protocol.instruct.messages import ChatMessage

from routing.backend import Turn
from routing.prompt import PromptRenderer
from routing.prompt.known import known_tokenizer
from tests.routing.tekken_versions import VERSIONS, tekken_of
from tests.routing.test_prompt_folding import SYSTEM, TOOLS, exchange

QUESTIONS = 10


class Cost(NamedTuple):
    """Tokens, over a whole conversation; `within` of the steps of a question, `between` of its first."""

    prompts: int
    within: int
    between: int

    @property
    def reused(self) -> float:
        """The share of all prompts that stood in the cache."""
        return 1 - (self.within + self.between) / self.prompts


def cost(renderer: PromptRenderer) -> Cost:
    """Two prompts a question: it is asked, and its call's result is there."""
    messages: list[ChatMessage] = [SYSTEM]
    prompts: list[list[int]] = [[]]
    for n in range(QUESTIONS):
        asked, called, result, answered = exchange(n)
        prompts.append(renderer.render(Turn([*messages, asked], tools=TOOLS)))
        messages += [asked, called, result]
        prompts.append(renderer.render(Turn(messages, tools=TOOLS)))
        messages.append(answered)
    read = [len(after) - shared(before, after) for before, after in pairwise(prompts)]
    return Cost(sum(map(len, prompts)), sum(read[1::2]), sum(read[::2]))


def shared(before: list[int], after: list[int]) -> int:
    """How many tokens both begin with."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(before), len(after)))


def path_of(version: str, folder: Path) -> Path:
    if version == "ministral":
        found = known_tokenizer("Ministral-8B-Instruct-2410")
        assert found is not None
        return found
    return tekken_of(version, folder)


@pytest.mark.parametrize("version", [*VERSIONS, "ministral"])
def test_folded_history_is_read_once(version: str, tmp_path: Path) -> None:
    path = path_of(version, tmp_path)
    plain = cost(PromptRenderer(path))
    folded = cost(PromptRenderer(path, fold_history=True))
    for name, told in (("as it is", plain), ("folded", folded)):
        row = f"{told.prompts} | {told.between} | {told.within} | {told.reused:.0%}"
        sys.stdout.write(f"\n| {version} | {name} | {row} |")
    assert plain.within <= 100 * QUESTIONS  # within a question, only what is new
    assert folded.within <= 100 * QUESTIONS
    if version == "v13":
        assert folded == plain  # tools stand first there: nothing to fold for
        assert plain.reused > 0.8
        return
    assert folded.reused > plain.reused + 0.1
    assert folded.between < plain.between / 2
