r"""The part of JSON Schema that llguidance can turn into a grammar.

What it is: a pure rewriting of a schema into one that llguidance 1.7 compiles, and a list of what had
to be left out. Everything the rewritten schema allows and that is not in the list is allowed by the
original: it is narrower in places (ASCII digits for `\d`, no undeclared properties where the schema
is silent about them), never silently wider.
What it is not: a validator. The gateway checks every call against the original all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import frexp
from typing import Any, cast

from routing.grammar.patterns import expressible_pattern

Schema = dict[str, Any]

FORMATS = frozenset("date-time time date duration email hostname ipv4 ipv6 uuid uri".split())
MAX_BOUND = 10**18
"""Beyond this llguidance fails to write a number's range as a regular expression."""
MAX_ITEMS = 1_000
"""A longer bounded array takes long to compile: a hundred thousand items half a second."""
MAX_DEPTH = 100
MAX_DIGITS = 9
"""A step with more of them is refused, and with it the grammar of the whole turn."""

_PLAIN = frozenset("type const enum required minItems minLength maxLength $ref $id $anchor".split())
_COUNTS = frozenset("minItems maxItems minLength maxLength minProperties maxProperties".split())
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_SUBSCHEMA = frozenset({"items", "additionalProperties"})
_SUBSCHEMAS = frozenset({"anyOf", "allOf", "oneOf", "prefixItems"})
_NAMED_SUBSCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_IN_PLACE = frozenset({"anyOf", "allOf", "oneOf", "$ref", "$dynamicRef", "if", "not"})
_OPEN = frozenset({"additionalProperties", "patternProperties"})
_INEXPRESSIBLE = frozenset(
    "not if then else contains minContains maxContains propertyNames dependentRequired "
    "dependentSchemas dependencies unevaluatedProperties unevaluatedItems $dynamicRef".split()
)


def expressible(
    schema: Mapping[str, Any], *, answers: bool = False
) -> tuple[Schema, tuple[str, ...]]:
    """`schema` as llguidance can express it, and JSON paths of what it can't.

    Annotations (titles, descriptions, defaults, examples) are dropped: they bind nothing. Arguments are
    an object whatever their schema says; a value that `answers` may be of any type that it names.
    """
    made = subset(schema, answers=answers)
    return made.schema, made.left_out


@dataclass(frozen=True, slots=True)
class Subset:
    """What `expressible` gives, and the paths where less is allowed than the original allows."""

    schema: Schema
    left_out: tuple[str, ...]
    narrowed: tuple[str, ...]


def subset(schema: Mapping[str, Any], *, answers: bool = False) -> Subset:
    """`expressible`, with what is narrower: closed objects, patterns in ASCII, formats."""
    walk = _Subset()
    root = walk.schema(schema, "$", own=True)
    if not isinstance(root, dict):
        root = {}
    names_a_type = "type" in root or "properties" not in root
    if root.get("type") != "object" and not (answers and names_a_type):
        root = {"type": "object", **{k: v for k, v in root.items() if k != "type"}}
    return Subset(root, tuple(walk.left_out), tuple(walk.narrowed))


class _Subset:
    """One walk through a schema. `own` schemas alone describe their value: they may be closed."""

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self.narrowed: list[str] = []

    def schema(self, value: object, path: str, *, own: bool) -> Schema | bool:
        if isinstance(value, bool):
            return value
        if not isinstance(value, Mapping):
            self.left_out.append(path)
            return True
        if path.count(".") + path.count("[") > MAX_DEPTH:
            self.left_out.append(path)
            return True
        source = cast("Mapping[str, Any]", value)
        result: Schema = {}
        for key, part in source.items():
            self._keyword(source, key, part, f"{path}.{key}", result, own=own)
        # An argument whose properties are declared as none is free-form; a tool's are really none.
        if own and _is_closable(source) and (source["properties"] or path == "$"):
            result["additionalProperties"] = False
            self.narrowed.append(path)
        return result

    def _keyword(
        self,
        source: Mapping[str, Any],
        key: str,
        part: Any,
        path: str,
        result: Schema,
        *,
        own: bool,
    ) -> None:
        if key in _PLAIN:
            result[key] = _counted(part) if key in _COUNTS else part
            if key in ("const", "enum") and _has_control(part):
                self.narrowed.append(path)  # escapes for control characters are never written
        elif key in _INEXPRESSIBLE or (key == "uniqueItems" and part is True):
            self.left_out.append(path)
        elif key in _SUBSCHEMA:
            result[key] = self.schema(part, path, own=True)
        elif key in _SUBSCHEMAS and isinstance(part, Sequence):
            self._branches(source, key, cast("Sequence[Any]", part), path, result, own=own)
        elif key in _NAMED_SUBSCHEMAS and isinstance(part, Mapping):
            self._named(key, cast("Mapping[str, Any]", part), path, result)
        elif _is_kept(source, key, part):
            written = _counted(part) if key in _COUNTS else part
            result[key] = expressible_pattern(part) if key == "pattern" else written
            if key in ("format", "multipleOf") or result[key] != part:
                # Validators take a format for a remark, and no multiple below zero is generated.
                self.narrowed.append(path)
            if key == "multipleOf" and not _is_binary(part):
                self.left_out.append(path)  # kept, but judged elsewhere in binary floating point
        elif key in _CHECKED:
            self.left_out.append(path)

    def _branches(
        self,
        source: Mapping[str, Any],
        key: str,
        branches: Sequence[Any],
        path: str,
        result: Schema,
        *,
        own: bool,
    ) -> None:
        alone = own and key != "allOf" and not {"properties", "allOf", "$ref"} & source.keys()
        closed = key == "prefixItems" or alone
        result[key] = [
            self.schema(branch, f"{path}[{index}]", own=closed)
            for index, branch in enumerate(branches)
        ]
        if key == "oneOf" and not are_disjoint(branches):
            self.left_out.append(path)  # taken as `anyOf`

    def _named(self, key: str, named: Mapping[str, Any], path: str, result: Schema) -> None:
        if key == "patternProperties" and len(named) > 1:
            self.left_out.append(path)  # must be provably disjoint
            return
        kept: Schema = {}
        for name, part in named.items():
            pattern = expressible_pattern(name) if key == "patternProperties" else name
            if pattern is None:
                self.left_out.append(path)
                return
            # A definition may be joined with others wherever it is referred to: never closed.
            kept[pattern] = self.schema(
                part, f"{path}.{name}", own=key not in {"$defs", "definitions"}
            )
        result[key] = kept


_CHECKED = _BOUNDS | {
    "pattern",
    "format",
    "multipleOf",
    "maxItems",
    "minProperties",
    "maxProperties",
}


def _is_closable(source: Mapping[str, Any]) -> bool:
    """Whether a schema that is silent about undeclared properties names all that it needs."""
    if "properties" not in source or (_IN_PLACE | _OPEN) & source.keys():
        return False
    return set(source.get("required", ())) <= set(source["properties"])


def _is_kept(source: Mapping[str, Any], key: str, part: Any) -> bool:
    """Whether a keyword that is expressible for some values is so for this one."""
    match key:
        case "pattern":
            return expressible_pattern(part) is not None
        case "format":
            return part in FORMATS
        case "maxItems":
            return part <= MAX_ITEMS
        case "multipleOf":
            return len(str(part)) <= MAX_DIGITS
        case "minProperties" | "maxProperties":
            return set(source.get("properties", {})) <= set(source.get("required", ()))
        case _:
            return key in _BOUNDS and abs(part) <= MAX_BOUND


def _counted(number: Any) -> Any:
    """JSON Schema takes 2.0 for a count, llguidance doesn't."""
    return int(number) if isinstance(number, float) else number


def _has_control(value: object) -> bool:
    """Whether a text inside has a character that JSON writes by its number."""
    return "\\u00" in json.dumps(value, ensure_ascii=False)


def _is_binary(step: float) -> bool:
    """Whether multiples of `step` are exact in floating point (whole numbers, halves, quarters)."""
    mantissa, _ = frexp(step)
    return float(step).is_integer() or mantissa == 0.5


def are_disjoint(branches: Sequence[Any]) -> bool:
    """Whether no value can satisfy two branches, by their types or by a constant they all require."""
    objects = [cast("Mapping[str, Any]", b) for b in branches if isinstance(b, Mapping)]
    if len(objects) < len(branches):
        return False
    types = [b.get("type") for b in objects]
    if all(isinstance(t, str) for t in types):
        kinds = ["number" if t == "integer" else t for t in types]
        if len(set(kinds)) == len(kinds):
            return True
    shared: list[str] = [*objects[0].get("required", ())] if objects else []
    return any(_tell_apart(objects, name) for name in shared)


def _tell_apart(branches: Sequence[Mapping[str, Any]], name: str) -> bool:
    constants: list[str] = []
    for branch in branches:
        declared: Any = branch.get("properties", {}).get(name)
        is_required = name in branch.get("required", ())
        if not is_required or not isinstance(declared, Mapping) or "const" not in declared:
            return False
        constants.append(repr(cast("Any", declared["const"])))
    return len(set(constants)) == len(constants)
