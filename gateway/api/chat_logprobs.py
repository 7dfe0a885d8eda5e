"""Log-probabilities of a chat answer, out of those of its turns. Pure, in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.agent.events import TurnFinished
from gateway.api.responses.likelihood import of_text

_SEPARATOR = "\n\n"
"""What the run sets between the texts of two turns; no model said it."""


def of_answer(turns: Iterable[TurnFinished], text: str, most: int) -> dict[str, Any] | None:
    """The tokens of `text`, each with at most `most` alternatives; None where no engine told any.

    An answer may hold the texts of several turns. A turn whose text is not in it, because it was
    rejected, repaired or rewritten by a rule, adds nothing: what was taken out must not come back here.
    """
    told: list[dict[str, Any]] = []
    at = 0
    for turn in turns:
        begins = at + len(_SEPARATOR) if at and text.startswith(_SEPARATOR, at) else at
        if turn.text and text.startswith(turn.text, begins):
            told += of_text(turn.logprobs, turn.text, most)
            at = begins + len(turn.text)
    return {"content": told, "refusal": None} if told else None
