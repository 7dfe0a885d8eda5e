"""How much of the model's window results may take: each of them, and all of a run together, in tokens.

What it is: the decision whether a result is shown whole. What is too long is kept whole and shown as a preview
(`tools.results`); of a piece that the model reads on in, the beginning is shown.
What it is not: a count of every result. A text takes no more tokens than it has bytes, so most are let through
unseen, and stand in the run's account with a guess. What might be too long is counted by the intermediary's own
tokenizer where its backend knows it (`ModelBackend.count_tokens`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mistral_common.protocol.instruct.messages import UserMessage

from routing.backend import Turn
from routing.errors import BackendError
from tools.results import LONGEST_SHOWN, PREVIEW, READ_RESULT, cut_short
from tools.spec import ToolResult, ToolSpec
from tools.wrappers.truncate import MAX_RESULT_CHARACTERS, cut

if TYPE_CHECKING:  # working.py has the run's budget
    from gateway.agent.working import Working

_BYTES_PER_TOKEN = 4
"""A guess: English has about four."""
_LEAST = 256
"""Tokens that every result may take, however much the run has used."""


@dataclass(frozen=True, slots=True)
class ResultBudget:
    """Tokens: `each` for a result unless its tool says otherwise, `of_run` for all; None: half the window."""

    each: int = 6_000
    of_run: int | None = None


async def fitted(run: Working, tool: ToolSpec, result: ToolResult) -> ToolResult:
    """A result as the model is shown it. Takes from the run's budget what that is."""
    text = result.content
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    tokens, room = _guess(size), _room(run, tool)
    if len(text) <= LONGEST_SHOWN:
        if size > room:
            tokens = await _counted(run, text, tokens)
        if tokens <= room:
            run.result_tokens += tokens
            return result
    characters = len(text) * room // tokens
    if run.kept is not None and result.name == READ_RESULT.name:
        longest = min(characters, len(text) - 1)
        shown = replace(result, content=cut(text, len(text), longest), truncated_from=len(text))
    elif (kept := run.keeper()) is not None:
        shown = kept.preview(result, min(PREVIEW, characters))
    else:
        shown = cut_short(result, min(MAX_RESULT_CHARACTERS, characters))
    run.result_tokens += _guess(len(shown.content.encode("utf-8", "replace")))
    return shown


def _room(run: Working, tool: ToolSpec) -> int:
    """Tokens that a result of this tool may take now."""
    budget = run.result_budget
    each = budget.each if tool.result_tokens is None else tool.result_tokens
    most = budget.of_run
    if most is None:
        most = run.router.members["intermediary"].backend.context_tokens // 2
        if not most:  # nobody knows the window
            return each
    return max(min(each, most - run.result_tokens), min(each, _LEAST))


def _guess(size: int) -> int:
    return size // _BYTES_PER_TOKEN + 1


async def _counted(run: Working, text: str, guess: int) -> int:
    """By the backend's own count; the guess where it can't tell in time."""
    backend = run.router.members["intermediary"].backend
    turn = Turn(messages=(UserMessage(content=text),), deadline=run.deadline)
    try:
        return (await backend.count_tokens(turn)).messages[0]
    except BackendError:
        return guess
