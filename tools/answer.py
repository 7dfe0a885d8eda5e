"""What comes out of an executor, and how a model reads it.

What it is: `Answer`, a value with what the wrappers know beside it (attempts, cut length, whether it is a dry run's), and the one
place that decides the text of an observation: text as it is, anything else as compact JSON, a failure
as `{"error": "…"}`.
What it is not: running (`tools.executors`), policy on results (`policies`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Answer:
    """A tool's value. `truncated_from` is its length in characters before it was cut, or None.

    `dry`: nothing was done, and the value tells what would have been.
    """

    value: Any
    attempts: int = 1
    truncated_from: int | None = None
    dry: bool = False

    @classmethod
    def of(cls, value: Any) -> Answer:
        """Wrap a bare value; an `Answer` stays what it is."""
        return value if isinstance(value, cls) else cls(value)


def as_text(value: Any) -> str:
    """The text that a model reads, always valid Unicode. Raises `ValueError` for what is no JSON."""
    if isinstance(value, str):
        return _whole_characters(value)
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        pass
    try:  # integers beyond 64 bits, halves of surrogate pairs: legal in Python, unknown to orjson
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the tool's result is no JSON: {error}") from error
    return _whole_characters(text)


def error_text(message: str) -> str:
    """A failure as a model reads it."""
    return orjson.dumps({"error": _whole_characters(message)}).decode()


def _whole_characters(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
