"""From what a model wrote to arguments that can be checked: lenient reading, then lossless repair.

What it is: `parse_arguments` reads text that should be a JSON object; `repair_arguments` turns values
into the type that the schema asks for where nothing is lost and nothing is guessed. Every change is
recorded as one line, for people and metrics.
What it is not: checking (`tools.schema`), and guessing: `"5 years"` is never 5, unknown properties
stay and are refused by the schema, numbers with fractions never become text.

Both take bounded time and memory on hostile text and never raise.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from tools.schema import MAX_DEPTH, CompiledSchema
from tools.schema_document import Subschema
from tools.spec import JSONObject, Problem
from tools.wording import kind, show

MAX_CHARACTERS = 256 * 1024
MAX_DIGITS = 300
_MAX_FORMS = 64
_MAX_VALUES = 10_000
_PLAIN = frozenset((str, int, bool, type(None)))

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+\\?(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)
_BEGUN = re.compile(
    r"(?:-?(?:\d+)?(?:\.\d*)?(?:[eE][+-]?\d*)?|t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?)\Z"
)
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,299})(?:\.0{1,20})?\Z", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
_SEPARATORS = re.compile(r"[,;\n、，；]")


@dataclass(frozen=True, slots=True)
class ParseProblem:
    """Why text can't be read as arguments, and a sentence for the model."""

    problem: Problem
    message: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON value that was read."""

    value: Any


class _Refused(Exception):
    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.verdict = ParseProblem(problem, message)


def parse_arguments(raw: str | None, repairs: list[str] | None = None) -> JSONObject | ParseProblem:
    """The arguments of a call as the model spelled them.

    Missing, empty and `null` arguments are `{}`; a JSON string around the object is opened once. Each
    such change is appended to `repairs`. `Problem.TRUNCATED` when the text ends in the middle of JSON,
    `TOO_LARGE` above 256 Ki characters, 64 levels or integers of 300 digits, else `MALFORMED`.
    """
    notes = repairs if repairs is not None else []
    if raw is None or (len(raw) < 100 and raw.strip() in ("", "null")):
        if raw is None or raw.strip() == "null":
            notes.append("$: null read as {}")
        return {}
    try:
        value = _read(raw)
        if isinstance(value, str):
            notes.append("$: JSON inside a string read as JSON")
            value = _read(value)
    except _Refused as refusal:
        return refusal.verdict
    if value.__class__ is dict:
        return value
    if value is None:
        notes.append("$: null read as {}")
        return {}
    return ParseProblem(Problem.MALFORMED, f"arguments must be a JSON object, got {kind(value)}")


def parse_value(text: str) -> Parsed | ParseProblem:
    """Any JSON value, within the bounds of `parse_arguments`."""
    try:
        return Parsed(_read(text))
    except _Refused as refusal:
        return refusal.verdict


def _read(text: str) -> Any:
    """Parse strict JSON within the bounds; control characters inside strings are let pass."""
    if len(text) > MAX_CHARACTERS:
        raise _Refused(
            Problem.TOO_LARGE, f"{len(text)} characters of arguments, {MAX_CHARACTERS} are allowed"
        )
    depth = _depth(text) if text.count("[") + text.count("{") > MAX_DEPTH else 0
    if depth > MAX_DEPTH:
        raise _Refused(
            Problem.TOO_LARGE, f"nested more than {MAX_DEPTH} deep: flatten the arguments"
        )
    try:
        text.encode()
        value = _DECODER.decode(text)
    except UnicodeEncodeError:
        _refuse("a text holds half of a surrogate pair: give whole characters")
    except json.JSONDecodeError as error:
        if _ends_in_the_middle(text, error):
            raise _Refused(
                Problem.TRUNCATED, "the arguments end in the middle: give the whole JSON object"
            ) from error
        near = text[max(error.pos - 20, 0) : error.pos + 20]
        _refuse(f"no JSON: {error.msg} at character {error.pos}, near {show(near)}")
    if "\\u" in text and _holds_surrogate(value):
        _refuse("a text holds half of a surrogate pair: give whole characters")
    return value


def _refuse(message: str) -> NoReturn:
    raise _Refused(Problem.MALFORMED, message)


def _depth(text: str) -> int:
    deepest = depth = 0
    for match in _BRACKETS.finditer(text):
        sign = match.group()
        if sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest


def _ends_in_the_middle(text: str, error: json.JSONDecodeError) -> bool:
    """Whether everything before the end was fine, and only the end is missing."""
    depth, closed = 0, True
    for match in _BRACKETS.finditer(text):
        sign = match.group()
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
        else:
            closed = len(sign) > 1 and sign.endswith('"') and not _odd_backslashes(sign[:-1])
            start = match.start()
            if not closed:
                return error.pos >= start and text[start:].count('"') >= 1
    if depth <= 0 and text.strip()[:1] not in ("", '"'):
        return False
    return _BEGUN.match(text[error.pos :].strip()) is not None


def _odd_backslashes(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _without_duplicates(pairs: list[tuple[str, Any]]) -> JSONObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        _refuse(f"the property {show(twice)} is given twice: give it once")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _Refused(
            Problem.TOO_LARGE, f"an integer of {len(digits)} digits, {MAX_DIGITS} are allowed"
        )
    return int(digits)


def _finite(text: str) -> float:
    if len(text) <= MAX_DIGITS * 4 and math.isfinite(value := float(text)):
        return value
    return _refuse(f"the number {show(text)} is out of range")


def _constant(name: str) -> NoReturn:
    _refuse(f"{name} is no JSON: give a finite number")


_DECODER = json.JSONDecoder(
    strict=False,
    object_pairs_hook=_without_duplicates,
    parse_int=_integer,
    parse_float=_finite,
    parse_constant=_constant,
)


def _holds_surrogate(value: Any) -> bool:
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            todo.extend(cast("JSONObject", each).keys())
            todo.extend(cast("JSONObject", each).values())
        elif isinstance(each, list):
            todo.extend(cast("list[Any]", each))
        elif isinstance(each, str) and any("\ud800" <= c <= "\udfff" for c in each):
            return True
    return False


def repair_arguments(
    arguments: JSONObject, schema: CompiledSchema, repairs: list[str]
) -> JSONObject:
    """Arguments with each value in the type that the schema asks for, where that loses nothing.

    Gives back `arguments` itself when nothing was to be done, otherwise a changed copy; each change is
    appended to `repairs`, as in `$.count: string '5' read as integer 5`. Stops after ten thousand
    values that need a second look; what is left then is the schema's to refuse.
    """
    return _Repair(schema, repairs).value(arguments, schema.root, "$")


class _Repair:
    def __init__(self, schema: CompiledSchema, repairs: list[str]) -> None:
        self._schema = schema
        self._repairs = repairs
        self._left = _MAX_VALUES

    def value(self, value: Any, subschema: Subschema, path: str) -> Any:
        if type(value) in _PLAIN and kind(value) == _only_type(subschema):
            return value
        self._left -= 1
        if self._left < 0 or (forms := self._forms(subschema)) is None:
            return value
        kinds = set[str]().union(*(_kinds(form) for form in forms))
        if kinds and not _is_one_of(value, kinds):
            value = self._convert(value, kinds, forms, path)
        fitting = [form for form in forms if _is_one_of(value, _kinds(form) or {kind(value)})]
        if len(fitting) != 1:
            return value
        if isinstance(value, dict):
            return self._properties(cast("JSONObject", value), fitting[0], path)
        if isinstance(value, list):
            return self._items(cast("list[Any]", value), fitting[0], path)
        return value

    def _forms(self, subschema: Subschema) -> list[Mapping[str, Any]] | None:
        """The alternatives of a subschema with references followed; None when it says nothing."""
        forms: list[Mapping[str, Any]] = []
        todo = [subschema]
        for _ in range(_MAX_FORMS):
            if not todo:
                return forms
            node = todo.pop()
            if isinstance(node, bool):
                return None
            if "$ref" in node and "type" not in node:
                todo.append(self._schema.resolve(node["$ref"]))
            elif "type" not in node and (ways := node.get("anyOf") or node.get("oneOf")):
                todo.extend(reversed(ways))
            elif "type" not in node and len(every := node.get("allOf", ())) == 1:
                todo.append(every[0])
            else:
                forms.append(node)
        return None

    def _properties(self, value: JSONObject, form: Mapping[str, Any], path: str) -> JSONObject:
        known: Mapping[str, Any] = form.get("properties") or {}
        changed: JSONObject = {}
        for name, subschema in known.items():
            if name in value:
                before = value[name]
                after = self.value(before, subschema, f"{path}.{name}")
                if after is not before:
                    changed[name] = after
        return {**value, **changed} if changed else value

    def _items(self, value: list[Any], form: Mapping[str, Any], path: str) -> list[Any]:
        items = form.get("items")
        if not isinstance(items, Mapping) or "prefixItems" in form:
            return value
        subschema = cast("Mapping[str, Any]", items)
        after = [
            self.value(each, subschema, f"{path}[{index}]") for index, each in enumerate(value)
        ]
        same = all(new is old for new, old in zip(after, value, strict=True))
        return value if same else after

    def _convert(
        self, value: Any, kinds: set[str], forms: list[Mapping[str, Any]], path: str
    ) -> Any:
        after: Any = value
        if isinstance(value, str):
            after = _from_text(value, kinds)
        elif (
            isinstance(value, float)
            and "integer" in kinds
            and value.is_integer()
            and abs(value) < 2**53
        ):
            after = int(value)
        elif isinstance(value, int) and not isinstance(value, bool) and kinds == {"string"}:
            after = str(value)
        if after is value and "array" in kinds and "string" not in kinds and value is not None:
            after = self._as_only_item(value, forms)
        if after is value:
            return value
        to = kind(after) if kind(after) in ("array", "object") else f"{kind(after)} {show(after)}"
        if len(self._repairs) < 100:
            self._repairs.append(f"{path}: {kind(value)} {show(value)} read as {to}")
        return after

    def _as_only_item(self, value: Any, forms: list[Mapping[str, Any]]) -> Any:
        """A lone value where an array is asked, when it has the items' type and is no list in prose."""
        arrays = [form for form in forms if "array" in _kinds(form)]
        if len(arrays) != 1 or not isinstance(items := arrays[0].get("items"), Mapping):
            return value
        if isinstance(value, str) and _SEPARATORS.search(value):
            return value
        kinds = _kinds(cast("Mapping[str, Any]", items))
        return [value] if kinds and _is_one_of(value, kinds) else value


def _only_type(subschema: Subschema) -> Any:
    return subschema.get("type") if isinstance(subschema, dict) else None


def _kinds(form: Mapping[str, Any]) -> set[str]:
    asked = form.get("type")
    if isinstance(asked, str):
        return {asked}
    return set(cast("list[str]", asked)) if asked else set()


def _is_one_of(value: Any, kinds: set[str]) -> bool:
    own = kind(value)
    return own in kinds or (own == "integer" and "number" in kinds)


def _from_text(text: str, kinds: set[str]) -> Any:
    """What the text plainly says in exactly one of the types asked for, else the text itself."""
    if "integer" in kinds and _INTEGER.match(text):
        return int(text.partition(".")[0])
    if "number" in kinds and _NUMBER.match(text):
        number = float(text)
        return (
            int(text) if text.lstrip("-").isdigit() else number if math.isfinite(number) else text
        )
    if "boolean" in kinds and text in ("true", "false", "True", "False"):
        return text in ("true", "True")
    if "null" in kinds and text == "null":
        return None
    if text[:1] in ("[", "{") and ("array" if text[0] == "[" else "object") in kinds:
        try:
            return _read(text)
        except _Refused:
            return text
    return text
