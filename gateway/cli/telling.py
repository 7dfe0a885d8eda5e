"""Whether an answer tells what its calls brought.

Of each result there is something that its reader waits for: of a built-in tool the value, the time, each note that was
found, the number of a note that was saved or deleted; of other tools any text or number that stands in the result. A number may
be rounded to three digits or more, a clock may have twelve hours, of a text two thirds of the words are enough.
Answers that say more than the results are not found out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, cast

Result = tuple[str, str]
"""The tool's name and what it brought: JSON, or text."""

_NUMBER = re.compile(r"(?:(?<![\w.])[-−])?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2})[:：](\d{2})(?::\d{2})?\s*(am|pm|a\.m\.|p\.m\.)?", re.IGNORECASE)
_WORD = re.compile(r"[^\W_\u4e00-\u9fff]+|[\u4e00-\u9fff]")
_ENOUGH_DIGITS = 3
_MOST_DIGITS = 1_000
_ENOUGH_WORDS = 2 / 3


def tells(answer: str, results: Sequence[Result]) -> bool | None:
    """Whether something of each result stands in the answer; None where none has anything to tell."""
    awaited = [wanted for name, brought in results if (wanted := _awaited(name, brought))]
    if not awaited:
        return None
    return all(all(any(_is_told(answer, each) for each in one) for one in of) for of in awaited)


def _awaited(name: str, brought: str) -> list[list[Any]]:
    """What is to be told of a result, each as the ways of which one will do."""
    try:
        read = json.loads(brought)
    except ValueError:
        read = brought
    try:
        return _BUILTIN[name](read)
    except (KeyError, TypeError):
        leaves = list(_leaves(read))
        return [leaves] if leaves else []


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for each in cast("dict[str, Any]", value).values():
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _leaves(each)
    elif (isinstance(value, str) and value.strip()) or _is_number(value):
        yield value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_told(answer: str, value: Any) -> bool:
    if (number := _number(str(value))) is None:
        return _is_said(answer, str(value))
    shown = map(_number, _NUMBER.findall(answer))
    return any(each is not None and (each == number or _is_rounded(each, number)) for each in shown)


def _number(text: str) -> Decimal | None:
    """A number of a size that can be reckoned with; None for other text."""
    try:
        number = Decimal(text.replace(",", "").replace("−", "-"))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _MOST_DIGITS else None


def _is_rounded(shown: Decimal, value: Decimal) -> bool:
    """Whether a number as it was written is the value, rounded to enough digits."""
    _, digits, exponent = shown.as_tuple()
    if len(digits) < _ENOUGH_DIGITS or not isinstance(exponent, int):
        return False
    return abs(shown - value) * 2 <= Decimal(1).scaleb(exponent)


def _is_said(answer: str, text: str) -> bool:
    if clock := _CLOCK.fullmatch(text):
        return any(_minutes(found) == _minutes(clock) for found in _CLOCK.finditer(answer))
    said, words = set(_words(answer)), _words(text)
    return sum(word in said for word in words) >= _ENOUGH_WORDS * len(words)


def _minutes(clock: re.Match[str]) -> int:
    hour, half = int(clock[1]), (clock[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    return hour * 60 + int(clock[2])


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _notes(found: Mapping[str, Any]) -> list[list[Any]]:
    return [[note["text"]] for note in found["notes"]]


_BUILTIN: dict[str, Callable[[Any], list[list[Any]]]] = {
    "calculate": lambda read: [[read["result"]]],
    "convert_units": lambda read: [[read["value"]]],
    "current_time": lambda read: [[read["time"].split()[-1]]],
    "convert_time": lambda read: [[read["time"]]],
    "save_note": lambda read: [[read["note_id"]]],
    "delete_note": lambda read: [[read["note_id"]]],
    "search_notes": _notes,
}
