"""A call's arguments as policies see them: flat, by path, each kind by itself.

Paths can't collide: what means something in a path is escaped in names. What Cedar can't hold is turned
to the safe side of a limit: numbers are rounded away from zero and stop at the largest there is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

MOST_PATHS = 2_000
_LARGEST = 2**63 - 1
_SPECIAL = re.compile(r"([.\[\]\\])")


class TooManyArguments(Exception):
    """More values than policies are asked about."""


@dataclass(slots=True)
class Flat:
    """The arguments of one call, by path."""

    text: dict[str, str] = field(default_factory=dict[str, str])
    number: dict[str, int] = field(default_factory=dict[str, int])
    flag: dict[str, bool] = field(default_factory=dict[str, bool])
    strings: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    paths: list[str] = field(default_factory=list[str])

    def take(self, path: str, value: object) -> None:
        """Add a value with everything in it. Raises `TooManyArguments`."""
        if len(self.paths) >= MOST_PATHS:
            raise TooManyArguments
        self.paths.append(path)
        match value:
            case bool():
                self.flag[path] = value
            case str():
                self.text[path] = _told(value)
            case int() | float():
                self.number[path] = _whole(value)
            case list():
                members = cast("list[object]", value)
                self.strings[path] = sorted({_told(one) for one in members if isinstance(one, str)})
                for at, member in enumerate(members):
                    self.take(f"{path}[{at}]", member)
            case dict():
                for name, member in cast("dict[str, object]", value).items():
                    self.take(f"{path}.{_escaped(name)}", member)
            case _:
                pass


def flat(arguments: Mapping[str, Any]) -> Flat:
    """Every value in `arguments`. Raises `TooManyArguments`."""
    found = Flat()
    for name, value in arguments.items():
        found.take(_escaped(name), value)
    return found


def _escaped(name: str) -> str:
    return _SPECIAL.sub(r"\\\1", _told(name))


def _told(text: str) -> str:
    """Text that is Unicode: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode()


def _whole(value: float) -> int:
    if isinstance(value, float):
        if math.isnan(value):
            return _LARGEST
        if math.isinf(value):
            return _LARGEST if value > 0 else -_LARGEST - 1
        value = math.ceil(value) if value > 0 else math.floor(value)
    return max(-_LARGEST - 1, min(value, _LARGEST))
