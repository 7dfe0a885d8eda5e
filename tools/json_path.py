"""Paths into JSON as models write them: `$.items[3].name`, `$.items[0:10]`, `$['a key']`."""

from __future__ import annotations

import re
from typing import Any, cast

_STEP = re.compile(
    r"\.?(?P<name>[^\W\d][\w-]*)|\[(?P<index>-?\d{1,9})\]"
    r"|\[(?P<start>-?\d{0,9}):(?P<stop>-?\d{0,9})\]"
    r"|\[(?P<quote>['\"])(?P<key>[^'\"]*)(?P=quote)\]"
)
_NAMED = 20


def value_at(value: Any, path: str) -> Any:
    """What stands at `path`. Raises `LookupError` that says what is there instead."""
    at, walked = 1 if path.startswith("$") else 0, "$"
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise LookupError(f"{path[at:][:40]!r} is no step of a path such as $.items[3].name")
        value = _follow(value, step, walked)
        walked, at = walked + step.group(), step.end()
    return value


def _follow(value: Any, step: re.Match[str], walked: str) -> Any:
    name = step["name"] if step["name"] is not None else step["key"]
    if name is not None:
        if not isinstance(value, dict):
            raise LookupError(f"{walked} is no object but {kind(value)}")
        members = cast("dict[str, Any]", value)
        if name not in members:
            raise LookupError(f"{walked} has no {name[:64]!r}; it has {names(members)}")
        return members[name]
    items = cast("list[Any]", value) if isinstance(value, list) else None
    if items is None:
        raise LookupError(f"{walked} is no array but {kind(value)}")
    if step["index"] is None:
        start, stop = (
            int(each) if each.strip("-") else None for each in step.group("start", "stop")
        )
        return items[start:stop]
    index = int(step["index"])
    if not -len(items) <= index < len(items):
        raise LookupError(f"{walked} has {len(items)} items")
    return items[index]


def kind(value: Any) -> str:
    """What it is and how much of it, in words."""
    match value:
        case dict():
            return f"an object with {names(cast('dict[str, Any]', value))}"
        case list():
            items = cast("list[Any]", value)
            of = f", the first: {kind(items[0])}" if items and isinstance(items[0], dict) else ""
            return f"an array of {len(items)}{of}"
        case str():
            return f"a string of {len(value)} characters"
        case None:
            return "null"
        case bool():
            return "a boolean"
        case _:
            return "a number"


def names(members: dict[str, Any]) -> str:
    """The keys, as far as there is room."""
    shown = ", ".join(key[:40] for key in list(members)[:_NAMED])
    more = len(members) - _NAMED
    return f"the keys {shown}" + (f" and {more} more" if more > 0 else "") if members else "no keys"
