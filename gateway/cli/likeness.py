"""Whether two calls ask for the same thing, whatever they call it.

Arguments are compared as the built-in tools read them: an expression by its value, a place by its time
zone, a unit by what pint knows it as, a text without case and final punctuation. Arguments of other tools
are compared as JSON. Calls are compared as a multiset: in any order, each as often as expected.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.builtin.arithmetic import calculate
from tools.builtin.places import find_zone
from tools.builtin.time_of_day import read_time
from tools.builtin.units import convert_units
from tools.errors import ToolFailed

Call = Mapping[str, Any]
"""`{"name": …, "arguments": {…}}`."""
Arguments = Mapping[str, Any]


def same_calls(made: Sequence[Call], expected: Sequence[Call]) -> bool:
    """Whether the calls are the same, in whatever order."""
    return Counter(map(meaning, made)) == Counter(map(meaning, expected))


def meaning(call: Call) -> tuple[str, str]:
    """The tool's name and what its arguments denote, comparable."""
    name, arguments = str(call["name"]), call["arguments"]
    try:
        denoted = _READERS.get(name, dict)(arguments)
    except ToolFailed:
        denoted = dict(arguments)
    return name, json.dumps(denoted, sort_keys=True, ensure_ascii=False)


def _calculation(arguments: Arguments) -> Any:
    return calculate(arguments["expression"])


def _now_in(arguments: Arguments) -> Any:
    return _zone(arguments["timezone"])


def _time(arguments: Arguments) -> Any:
    zones = _zone(arguments["from_timezone"]), _zone(arguments["to_timezone"])
    return read_time(arguments["time"]).isoformat(), *zones


def _quantity(arguments: Arguments) -> Any:
    value, here, there = float(arguments["value"]), arguments["from_unit"], arguments["to_unit"]
    # Each way once: the tool names the unit that it converted to.
    return value, convert_units(1.0, there, here)["unit"], convert_units(value, here, there)["unit"]


def _saved(arguments: Arguments) -> Any:
    return _words(arguments["text"])


def _searched(arguments: Arguments) -> Any:
    return _words(arguments["query"])


def _zone(place: str) -> str:
    return find_zone(place)[0]


def _words(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!?。！？")


_READERS: dict[str, Callable[[Arguments], Any]] = {
    "calculate": _calculation,
    "current_time": _now_in,
    "convert_time": _time,
    "convert_units": _quantity,
    "save_note": _saved,
    "search_notes": _searched,
}
