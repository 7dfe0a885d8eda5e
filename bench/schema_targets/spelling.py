"""Arguments as a model writes them: whole numbers without a fraction, keys in the schema's order."""

from __future__ import annotations

import json
from typing import Any, cast


def spelled(arguments: Any, *, compact: bool = False) -> str:
    """In mistral-common's spelling, or without spaces."""
    separators = (",", ":") if compact else (", ", ": ")
    return json.dumps(_whole(arguments), ensure_ascii=False, separators=separators)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_whole(each) for each in cast("list[Any]", value)]
    return value
