"""Log-probabilities of a message's text, out of those of a whole model turn. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routing.backend import TokenLogprob


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


def _entry(text: str, logprob: float) -> dict[str, Any]:
    return {
        "token": text,
        "logprob": logprob,
        "bytes": list(text.encode("utf-8", "surrogatepass")),
    }
