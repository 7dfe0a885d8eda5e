"""What LiteLLM knows about models, read from its own table without importing it (seconds, 200 MB)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import orjson

_TABLE = "model_prices_and_context_window_backup.json"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """US dollars a token, and the window in tokens; None where the table does not tell."""

    input_usd: float | None = None
    output_usd: float | None = None
    cached_usd: float | None = None
    context_tokens: int | None = None


def known_model(model: str) -> KnownModel:
    """What the table says of `model` (`provider/name`); nothing when it is not in there."""
    table = _table()
    entry = table.get(model) or table.get(model.partition("/")[2])
    if not isinstance(entry, dict):
        return KnownModel()
    fields = cast("dict[str, Any]", entry)
    window = fields.get("max_input_tokens") or fields.get("max_tokens")
    return KnownModel(
        input_usd=_number(fields.get("input_cost_per_token")),
        output_usd=_number(fields.get("output_cost_per_token")),
        cached_usd=_number(fields.get("cache_read_input_token_cost")),
        context_tokens=window if isinstance(window, int) else None,
    )


@cache
def _table() -> dict[str, Any]:
    package = find_spec("litellm")
    if package is None or package.origin is None:
        return {}
    path = Path(package.origin).with_name(_TABLE)
    return orjson.loads(path.read_bytes()) if path.is_file() else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
