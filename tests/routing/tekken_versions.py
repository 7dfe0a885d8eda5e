"""Small tokenizers of every version, made of the embedded model's: other version, its control tokens.

The ranks of the control tokens are those of Mistral's own files of that version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
from mistral_common.tokens.tokenizers.tekken import Tekkenizer

TEKKEN = Path(__file__).parents[2] / "models" / "nano" / "tekken.json"
VERSIONS = ("v3", "v7", "v11", "v13")
ARGS, CALL_ID = 32, 33
SPECIAL = 64
"""Ids below are control tokens."""

Reference = MistralTokenizer[Any, Any, Any, Any, Any]


def tekken_of(version: str, folder: Path) -> Path:
    """The path of a `tekken.json` of `version`; the shipped one for V3."""
    if version == "v3":
        return TEKKEN
    made = json.loads(TEKKEN.read_text())
    made["config"]["version"] = version
    named = [dict(token) for token in Tekkenizer.DEPRECATED_SPECIAL_TOKENS]
    named += [
        {"rank": rank, "token_str": f"<SPECIAL_{rank}>", "is_control": True}
        for rank in range(len(named), SPECIAL)
    ]
    if version in {"v11", "v13"}:
        for rank, name in ((ARGS, "[ARGS]"), (CALL_ID, "[CALL_ID]"), (34, "[THINK]")):
            named[rank]["token_str"] = name
        named[35]["token_str"] = "[/THINK]"
    made["special_tokens"] = named
    path = folder / f"{version}-tekken.json"
    path.write_text(json.dumps(made))
    return path


def spelled(tokenizer: Tekkenizer, tokens: Sequence[int]) -> str:
    """The text of `tokens`, control tokens in «», which tells them from text that looks like them."""
    parts: list[str] = []
    plain: list[int] = []
    for token in tokens:
        if token >= SPECIAL:
            plain.append(token)
            continue
        parts += [tokenizer.decode(plain), f"«{tokenizer.id_to_piece(token)}»"]
        plain = []
    return "".join([*parts, tokenizer.decode(plain)])
