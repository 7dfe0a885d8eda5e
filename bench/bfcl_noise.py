"""Right answers made wrong in named ways, as often as a small model's published profile says.

Pure and deterministic: what becomes of a row follows from its id. How often a row is spoilt is published
(Ministral-8B: 84 % right of BFCL's non-live sets, 73 % of the live ones, 56 % where no call is right); in which
way is not, so each kind that a row allows is as likely as the others.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

JSONObject = dict[str, Any]
PROFILE = {"non-live": 0.84, "live": 0.73, "irrelevance": 0.56}
"""The share of right answers."""


@dataclass(frozen=True, slots=True)
class Written:
    """A call as a model spelled it."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Row:
    """What a row offers and what is right: schemas by name, and calls."""

    id: str
    schemas: Mapping[str, JSONObject]
    right: tuple[tuple[str, JSONObject], ...]


_Change = Callable[[str, JSONObject], Written | None]
Spoil = Callable[[Row, random.Random], list[Written] | None]


def group(category: str) -> str:
    """The part of the profile that a set belongs to."""
    if "irrelevance" in category:
        return "irrelevance"
    return "live" if category.startswith("live") else "non-live"


def written(row: Row) -> list[Written]:
    """The right calls as text."""
    return [Written(name, json.dumps(each)) for name, each in row.right]


def spoilt(row: Row, share_right: float) -> tuple[str, list[Written]]:
    """The kind of fault and the calls with it; `""` and the right calls where the row stays right."""
    chance = random.Random(hashlib.sha256(f"noise {row.id}".encode()).digest())
    if chance.random() < share_right:
        return "", written(row)
    kinds = list(KINDS.items()) if row.right else [("invented call", _invented)]
    chance.shuffle(kinds)
    for kind, spoil in kinds:
        if (calls := spoil(row, chance)) is not None:
            return kind, calls
    return "", written(row)


def _changed(row: Row, chance: random.Random, change: _Change) -> list[Written] | None:
    calls = written(row)
    order = list(range(len(calls)))
    chance.shuffle(order)
    for at in order:
        name, arguments = row.right[at]
        if (other := change(name, dict(arguments))) is not None and other != calls[at]:
            return [*calls[:at], other, *calls[at + 1 :]]
    return None


def _wrong_name(row: Row, chance: random.Random) -> list[Written] | None:
    """A letter is missing: no tool has that name."""

    def change(name: str, arguments: JSONObject) -> Written | None:
        at = chance.randrange(len(name))
        other = name[:at] + name[at + 1 :]
        return Written(other, json.dumps(arguments)) if other and other not in row.schemas else None

    return _changed(row, chance, change)


def _other_tool(row: Row, chance: random.Random) -> list[Written] | None:
    """Another tool of the row, with this one's arguments."""
    others = [name for name in row.schemas if name not in {each for each, _ in row.right}]
    if not others:
        return None
    return _changed(row, chance, lambda _, given: Written(chance.choice(others), json.dumps(given)))


def _missing(row: Row, chance: random.Random) -> list[Written] | None:
    def change(name: str, arguments: JSONObject) -> Written | None:
        needed = [each for each in row.schemas[name].get("required", ()) if each in arguments]
        if not needed:
            return None
        del arguments[chance.choice(needed)]
        return Written(name, json.dumps(arguments))

    return _changed(row, chance, change)


def _number_as_text(row: Row, chance: random.Random) -> list[Written] | None:
    """`"5"` for 5: the value is there, its type is not."""
    return _retyped(row, chance, lambda value: str(value))  # noqa: PLW0108 - says what it is


def _words_for_number(row: Row, chance: random.Random) -> list[Written] | None:
    """`"about 5"` for 5: nothing can be read from it without guessing."""
    return _retyped(row, chance, lambda value: f"about {value}")


def _retyped(row: Row, chance: random.Random, how: Callable[[Any], str]) -> list[Written] | None:
    def change(name: str, arguments: JSONObject) -> Written | None:
        numbers = [k for k, v in arguments.items() if type(v) in (int, float)]
        if not numbers:
            return None
        chosen = chance.choice(numbers)
        arguments[chosen] = how(arguments[chosen])
        return Written(name, json.dumps(arguments))

    return _changed(row, chance, change)


def _wrong_value(row: Row, chance: random.Random) -> list[Written] | None:
    """As valid as the right one, and wrong: nothing in the schema can tell."""

    def change(name: str, arguments: JSONObject) -> Written | None:
        named = row.schemas[name].get("properties", {})
        free = [
            k
            for k, v in arguments.items()
            if type(v) in (int, str) and "enum" not in named.get(k, {})
        ]
        if not free:
            return None
        chosen = chance.choice(free)
        value = arguments[chosen]
        arguments[chosen] = value + 7 if isinstance(value, int) else f"{value} quux"
        return Written(name, json.dumps(arguments))

    return _changed(row, chance, change)


def _malformed(row: Row, chance: random.Random) -> list[Written] | None:
    """A bracket too many in the middle: no JSON at all."""

    def change(name: str, arguments: JSONObject) -> Written | None:
        text = json.dumps(arguments)
        return Written(name, text.replace(": ", ": ]", 1)) if arguments else None

    return _changed(row, chance, change)


def _cut(row: Row, chance: random.Random) -> list[Written] | None:
    """The arguments of the last call end in the middle."""
    del chance
    calls = written(row)
    last = calls[-1]
    if len(last.arguments) < 4:
        return None
    return [*calls[:-1], Written(last.name, last.arguments[: len(last.arguments) // 2])]


def _invented(row: Row, chance: random.Random) -> list[Written] | None:
    """A call that nobody asked for, its required arguments made up to the schema's liking."""
    if not row.schemas:
        return None
    name = chance.choice(sorted(row.schemas))
    schema = row.schemas[name]
    named = schema.get("properties", {})
    given = {each: _made_up(named.get(each, {})) for each in schema.get("required", ())}
    return [*written(row), Written(name, json.dumps(given))]


def _no_call(row: Row, chance: random.Random) -> list[Written] | None:
    """Words in place of the calls."""
    del row, chance
    return []


def _made_up(schema: Any) -> Any:
    if listed := schema.get("enum"):
        return listed[0]
    match schema.get("type"):
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case "array":
            return [_made_up(schema.get("items", {}))]
        case "object":
            named = schema.get("properties", {})
            return {each: _made_up(named.get(each, {})) for each in schema.get("required", ())}
        case _:
            return "example"


KINDS: Mapping[str, Spoil] = {
    "misspelt name": _wrong_name,
    "another tool": _other_tool,
    "missing required": _missing,
    "number as text": _number_as_text,
    "words for a number": _words_for_number,
    "wrong value": _wrong_value,
    "malformed JSON": _malformed,
    "cut arguments": _cut,
    "invented call": _invented,
    "no call": _no_call,
}


def kinds() -> Sequence[str]:
    """Their names, in the order of the tables."""
    return tuple(KINDS)
