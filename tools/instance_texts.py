"""A text that a regular expression or a format means, for `tools.instances`."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

# As in `tools.ambiguity`: Python's own parser, private and the same from 3.11 to 3.13.
_sre: Any = import_module("re._constants")
_parser: Any = import_module("re._parser")

_OF_CATEGORY = {"DIGIT": "7", "WORD": "w", "SPACE": " ", "NOT_DIGIT": "n", "NOT_WORD": "-"}
_MOST_REPEATS = 200
_OF_FORMAT = {
    "date": "2026-11-21",
    "time": "12:30:00Z",
    "date-time": "2026-11-21T12:30:00Z",
    "duration": "P1DT2H",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "uri": "https://example.com/a",
}


def of_format(name: object) -> str | None:
    """A text of a format; None for a format that is not known here."""
    return _OF_FORMAT.get(name) if isinstance(name, str) else None


def matching(pattern: str) -> str | None:
    """A text in which `pattern` is found; None where none was made."""
    try:
        text = _written(_parser.parse(pattern, re.NOFLAG))
        return text if re.search(pattern, text) else None
    except (re.error, RecursionError, OverflowError):
        return None


def _written(items: Any) -> str:
    return "".join(_one(op, argument) for op, argument in items)


def _one(op: Any, argument: Any) -> str:
    if op is _sre.LITERAL:
        return chr(argument)
    if op is _sre.NOT_LITERAL:
        return "b" if argument == ord("a") else "a"
    if op is _sre.ANY:
        return "a"
    if op is _sre.IN:
        return _of_set(argument)
    if op is _sre.BRANCH:
        return _written(argument[1][0])
    if op is _sre.SUBPATTERN:
        return _written(argument[3])
    if op in (_sre.MAX_REPEAT, _sre.MIN_REPEAT):
        low, high, inner = argument
        times = max(int(low), 1) if high != 0 else 0
        return _written(inner) * min(times, _MOST_REPEATS)
    return ""  # anchors and look-around: what comes out is tried


def _of_set(items: Any) -> str:
    op, argument = items[0]
    if op is _sre.NEGATE:
        refused = re.compile(_class_of(items))
        return next(c for c in "aA7 -_.~é" if refused.fullmatch(c))
    if op is _sre.RANGE:
        return chr(argument[0])
    if op is _sre.CATEGORY:
        return _OF_CATEGORY.get(str(argument).removeprefix("CATEGORY_"), "a")
    return chr(argument)


def _class_of(items: Any) -> str:
    """A negated set written out again, as far as single characters and ranges go."""
    inside = ""
    for op, argument in items[1:]:
        if op is _sre.LITERAL:
            inside += re.escape(chr(argument))
        elif op is _sre.RANGE:
            inside += f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}"
        elif op is _sre.CATEGORY:
            name = str(argument).removeprefix("CATEGORY_")
            letter = {"DIGIT": "d", "WORD": "w", "SPACE": "s"}.get(name.removeprefix("NOT_"), "d")
            inside += "\\" + (letter.upper() if name.startswith("NOT_") else letter)
    return f"[^{inside}]"
