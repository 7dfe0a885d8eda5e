"""JSON that survives being read and written again, or a JSON string of it.

mistral-common reads arguments (and in V3 results) as JSON and writes them anew, the way its models
were trained. Where that would change what they say (`1e5` as the whole of a result, `NaN`, a number
of 5,000 digits or of more digits than a float holds, a key that stands twice) or can't be done at all,
the text is handed over as a JSON string: it comes out as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

_MAX_DEPTH = 100
"""Writing needs a frame a level, and has fewer left than reading had."""


def rereadable(text: str) -> str:
    """`text`, or its JSON string where mistral-common's own reading of it would change or break it."""
    try:
        value: object = _READER.decode(text)
    except json.JSONDecodeError:
        return text
    except (ValueError, ArithmeticError, RecursionError):
        return json.dumps(text)
    if _nests(value):
        brackets = text.count("[") + text.count("{")
        return json.dumps(text) if brackets > _MAX_DEPTH and _is_deep(value) else text
    return text if json.dumps(value, ensure_ascii=False) == text.strip() else json.dumps(text)


def _constant(constant: str) -> object:
    raise ValueError(constant)


def _exact_float(digits: str) -> float:
    value = float(digits)
    if Decimal(repr(value)) != Decimal(digits):
        raise ValueError(digits)
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value


_READER = json.JSONDecoder(
    parse_constant=_constant, parse_float=_exact_float, object_pairs_hook=_distinct
)


def _is_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(_MAX_DEPTH):
        level = [child for each in level for child in _inside(each) if _nests(child)]
        if not level:
            return False
    return True


def _nests(value: object) -> bool:
    return isinstance(value, dict | list)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value)
