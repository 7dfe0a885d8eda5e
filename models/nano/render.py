"""Conversations as token ids, exactly as mistral-common encodes them for V3 Tekken tokenizers.

Written out here because training renders millions of turns; a test compares it with mistral-common,
id by id.  One thing differs on purpose: the calls that the model *learns to write* carry no ``id``.
Servers make ids themselves (vLLM's Mistral parser takes ``[{"name": …, "arguments": …}]``), and nine
random characters would be nine tokens of noise.  Calls in the history do carry theirs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from models.nano import tokenizer

BOS, EOS, INST, END_INST, TOOLS, END_TOOLS, RESULTS, END_RESULTS, CALLS = range(1, 10)
Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Round:
    """Calls that were made together, and what each of them returned."""

    calls: tuple[Call, ...]
    results: tuple[Any, ...]


_ID = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def dumps(value: Any) -> str:
    """JSON as V3 writes it: ``", "`` and ``": "``, no escapes for Chinese."""
    return json.dumps(value, ensure_ascii=False)


def encode(text: str) -> list[int]:
    """Token ids of plain text."""
    ids: list[int] = tokenizer.load().encode(text, bos=False, eos=False)
    return ids


@lru_cache(maxsize=64)
def _encoded_tools(text: str) -> tuple[int, ...]:
    return (TOOLS, *encode(text), END_TOOLS)


def tools(definitions: list[dict[str, Any]]) -> list[int]:
    """``[AVAILABLE_TOOLS]…[/AVAILABLE_TOOLS]``; nothing when there is none."""
    if not definitions:
        return []
    wrapped = [{"type": "function", "function": definition} for definition in definitions]
    return list(_encoded_tools(dumps(wrapped)))


def user(text: str, system: str = "") -> list[int]:
    """``[INST]…[/INST]``; a system prompt stands before the last user message."""
    return [INST, *encode(f"{system}\n\n{text}" if system else text), END_INST]


def answer(text: str) -> list[int]:
    """Plain text of the assistant."""
    return [*encode(text), EOS]


def calls(made: list[Call], ids: list[str] | None = None) -> list[int]:
    """``[TOOL_CALLS][…]``: with ids as history holds them, without as the model writes them."""
    written: list[dict[str, Any]] = [{"name": name, "arguments": args} for name, args in made]
    for call, call_id in zip(written, ids or [], strict=False):
        call["id"] = call_id
    return [CALLS, *encode(dumps(written)), EOS]


def result(content: Any, call_id: str) -> list[int]:
    """``[TOOL_RESULTS]{"content": …, "call_id": …}[/TOOL_RESULTS]``."""
    return [RESULTS, *encode(dumps({"content": content, "call_id": call_id})), END_RESULTS]


def finished(round_: Round, rng: Random) -> list[int]:
    """Calls with new ids, and their results."""
    call_ids = [new_id(rng) for _ in round_.calls]
    ids = calls(list(round_.calls), call_ids)
    for content, call_id in zip(round_.results, call_ids, strict=True):
        ids += result(content, call_id)
    return ids


def new_id(rng: Random) -> str:
    """Nine alphanumerics."""
    return "".join(rng.choice(_ID) for _ in range(9))
