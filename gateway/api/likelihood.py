"""Log-probabilities of what an app is shown, out of those of whole model turns. Pure, in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.agent.events import TurnFinished
from routing.backend import TokenLogprob

_SEPARATOR = "\n\n"
"""What the run sets between the texts of two turns; no model said it."""


def of_text(tokens: Sequence[TokenLogprob], text: str, most: int) -> list[dict[str, Any]]:
    """The tokens that make up `text`, each with at most `most` alternatives.

    A turn's tokens go on into its calls, which are no text; and a rule may have rewritten the text, or
    the gateway set something behind it. So: the tokens as long as they spell the text from its start.
    """
    told: list[dict[str, Any]] = []
    at = 0
    for token in tokens:
        if not token.text or not text.startswith(token.text, at):
            break
        at += len(token.text)
        alternatives = [_entry(*other) for other in token.alternatives[:most]]
        told.append({**_entry(token.text, token.logprob), "top_logprobs": alternatives})
    return told


def of_answer(turns: Iterable[TurnFinished], text: str, most: int) -> dict[str, Any] | None:
    """The same for a whole chat answer, as a choice's `logprobs`; None where no engine told any.

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


def _entry(text: str, logprob: float) -> dict[str, Any]:
    return {
        "token": text,
        "logprob": logprob,
        "bytes": list(text.encode("utf-8", "surrogatepass")),
    }
