"""Arguments that a schema accepts and refuses, made from the schema: evidence of what a target makes of it.

What it is: deterministic. Values are built from what the schema says (its enumerations, bounds, patterns,
branches), then bent at every place: another type, one beyond a bound, a key more or less, an item
twice. The compiled schema judges each, so that which is which is sure.
What it is not: complete. A schema that nothing was found for has no instances, and nothing is claimed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tools.instance_texts import matching, of_format
from tools.schema import CompiledSchema
from tools.schema_document import Subschema
from tools.spec import JSONObject

_MOST_DEPTH = 6
_MOST_WAYS = 6
"""Values that are tried for one parameter."""
_MOST_PLACES = 60
_TRIED_FOR_ONE = 10
_SAMPLES: dict[str, tuple[Any, ...]] = {
    "string": ("word", "é 7"), "integer": (1, 0, -3), "number": (1.5, 0, -3),
    "boolean": (True, False), "null": (None,),
}  # fmt: skip
_TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")
_TELLS = {
    "object": ("properties", "required", "additionalProperties", "patternProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "contains", "uniqueItems"),
    "string": ("pattern", "minLength", "maxLength", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Instances:
    """Arguments, keys in the schema's order; `accepted` and `rejected` by the reference."""

    accepted: tuple[JSONObject, ...]
    rejected: tuple[JSONObject, ...]


def instances(schema: CompiledSchema, most: int = 40) -> Instances:
    """Up to `most` of each kind, the same ones every time. Takes milliseconds."""
    made = _Maker(schema).values(schema.root, 0)
    tried: dict[str, Any] = {}
    for value in made:
        tried.setdefault(_key(value), value)
    for value in made:
        for other in _bent(value):
            if len(tried) >= most * _TRIED_FOR_ONE:
                break
            tried.setdefault(_key(other), other)
    accepted: list[JSONObject] = []
    rejected: list[JSONObject] = []
    for value in tried.values():
        if isinstance(value, dict):
            arguments = cast("JSONObject", value)
            (rejected if schema.check(arguments) else accepted).append(arguments)
    return Instances(_spread(accepted, most), _spread(rejected, most))


class _Maker:
    """Builds values that should satisfy a schema; some don't, and are evidence too."""

    def __init__(self, schema: CompiledSchema) -> None:
        self._schema = schema

    def values(self, node: Subschema, depth: int) -> list[Any]:
        if isinstance(node, bool):
            return ["word", 1, None] if node else []
        if depth > _MOST_DEPTH:
            return []
        node = self._joined(node, depth)
        if "const" in node:
            return [node["const"]]
        if "enum" in node:
            return list(node["enum"])[:_MOST_WAYS]
        for choice in ("anyOf", "oneOf"):
            if choice in node:
                rest = {key: value for key, value in node.items() if key != choice}
                ways = [
                    self.values(_merged(rest, cast("_Node", way)), depth + 1)
                    for way in node[choice]
                    if isinstance(way, Mapping)
                ]
                return [value for values in ways for value in values[:3]][: 2 * _MOST_WAYS]
        found: list[Any] = []
        for kind in _types(node):
            found += self._of(kind, node, depth)
        return found

    def _joined(self, node: _Node, depth: int) -> _Node:
        """The node with what it refers to and all of `allOf` put in, as far as that is simple."""
        parts: list[Any] = list(node.get("allOf", ()))
        if "$ref" in node:
            parts.append(self._schema.resolve(node["$ref"]))
        if not parts or depth > _MOST_DEPTH:
            return node
        result: _Node = {key: value for key, value in node.items() if key not in ("allOf", "$ref")}
        for part in parts:
            if isinstance(part, Mapping):
                result = _merged(result, self._joined(cast("_Node", part), depth + 1))
        return result

    def _of(self, kind: str, node: _Node, depth: int) -> list[Any]:
        match kind:
            case "object":
                return list(self._objects(node, depth))
            case "array":
                return list(self._arrays(node, depth))
            case "string":
                return list(_texts(node))
            case "integer" | "number":
                return list(_numbers(node, kind))
            case _:
                return list(_SAMPLES[kind])

    def _objects(self, node: _Node, depth: int) -> Iterator[JSONObject]:
        named: dict[str, list[Any]] = {
            name: self.values(part, depth + 1)[:_MOST_WAYS]
            for name, part in cast("Mapping[str, Any]", node.get("properties", {})).items()
        }
        required: Sequence[str] = node.get("required", ())
        for name in required:
            named.setdefault(name, self.values(self._undeclared(node), depth + 1))
        for pattern, part in cast("Mapping[str, Any]", node.get("patternProperties", {})).items():
            if (name := matching(pattern)) is not None:
                named.setdefault(name, self.values(part, depth + 1))
        extra = self._undeclared(node)
        if "properties" not in node or extra is not True:
            for name in ("more", "most")[: max(1, int(node.get("minProperties", 0)))]:
                named.setdefault(name, self.values(extra, depth + 1))
        full = {name: ways[0] for name, ways in named.items() if ways}
        least = {name: value for name, value in full.items() if name in required}
        yield full
        yield least
        for name, ways in named.items():
            for way in ways[1:]:
                yield {**full, name: way}
            if ways and name not in least:
                yield {key: value for key, value in full.items() if key in least or key == name}

    @staticmethod
    def _undeclared(node: _Node) -> Subschema:
        told: Any = node.get("additionalProperties", True)
        return cast("_Node", told) if isinstance(told, Mapping) else bool(told)

    def _arrays(self, node: _Node, depth: int) -> Iterator[list[Any]]:
        begin = [self.values(part, depth + 1) for part in node.get("prefixItems", ())]
        first = [ways[0] for ways in begin if ways]
        ways = self.values(node.get("items", True), depth + 1)
        if "contains" in node:
            ways = [*self.values(node["contains"], depth + 1), *ways]
        least, most = int(node.get("minItems", 0)), int(node.get("maxItems", 3))
        for length in sorted({least, least + 1, len(first), min(most, 12)}):
            more = [ways[i % len(ways)] for i in range(length - len(first))] if ways else []
            yield [*first, *more][:length]
        for way in ways[1:_MOST_WAYS]:
            yield [*first, way]


def _types(node: _Node) -> Sequence[str]:
    told: Any = node.get("type")
    if told is not None:
        return [told] if isinstance(told, str) else cast("list[str]", told)
    likely = [kind for kind, keys in _TELLS.items() if any(key in node for key in keys)]
    return [*likely, *(kind for kind in ("string", "integer", "null") if kind not in likely)]


def _texts(node: _Node) -> Iterator[str]:
    if "pattern" in node:
        if (text := matching(node["pattern"])) is not None:
            yield text
        return
    if (sample := of_format(node.get("format"))) is not None:
        yield sample
        return
    least, most = int(node.get("minLength", 0)), int(node.get("maxLength", 64))
    for sample in _SAMPLES["string"]:
        yield (sample * (least // len(sample) + 1))[: max(least, len(sample))][:most]
    for length in {least, min(most, 200)}:
        yield ("abcdefgh" * (length // 8 + 1))[:length]


def _numbers(node: _Node, kind: str) -> Iterator[float]:
    step = node.get("multipleOf", 1 if kind == "integer" else 0.5)
    for bound, way in (("minimum", 0), ("exclusiveMinimum", 1)):
        if bound in node:
            yield node[bound] + way * step
            yield node[bound] + (way + 1) * step
    for bound, way in (("maximum", 0), ("exclusiveMaximum", 1)):
        if bound in node:
            yield node[bound] - way * step
    for sample in _SAMPLES[kind]:
        yield sample * node["multipleOf"] if "multipleOf" in node else sample


def _bent(root: Any) -> Iterator[Any]:
    """`root` with one thing changed, at one place after the other."""
    places: list[tuple[tuple[Any, ...], Any]] = [((), root)]
    for path, value in places:
        for other in _others(value):
            yield _with(root, path, other)
        if len(places) >= _MOST_PLACES:
            continue
        if isinstance(value, dict):
            members = cast("JSONObject", value).items()
            places += [((*path, name), each) for name, each in members]
        elif isinstance(value, list):
            places += [((*path, i), each) for i, each in enumerate(cast("list[Any]", value)[:3])]


def _others(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            members = cast("JSONObject", value)
            for name in members:
                yield {key: each for key, each in members.items() if key != name}
            yield {**members, "undeclared": 1}
            yield "word"
        case list():
            items = cast("list[Any]", value)
            yield from ([], [*items, *items], items[:-1], items[::-1], [*items, None], "word")
        case bool() | None:
            yield from ("word", 1)
        case str():
            yield from (7, None, "", value + "~", value.upper(), value[:-1], "x" * 300)
        case _:
            yield from ("word", value + 1, value - 1, value + 0.5, -(10**6), 10**6, None)


def _with(root: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    if isinstance(root, dict):
        members = cast("JSONObject", root)
        return {**members, path[0]: _with(members[path[0]], path[1:], value)}
    items = [*cast("list[Any]", root)]
    items[path[0]] = _with(items[path[0]], path[1:], value)
    return items


def _merged(one: _Node, two: _Node) -> _Node:
    result = {**one, **two}
    if "properties" in one and "properties" in two:
        result["properties"] = {**one["properties"], **two["properties"]}
    if "required" in one and "required" in two:
        result["required"] = [*dict.fromkeys([*one["required"], *two["required"]])]
    return result


def _key(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _spread(found: list[JSONObject], most: int) -> tuple[JSONObject, ...]:
    """The first ones and, evenly, others of the rest."""
    if len(found) <= most:
        return tuple(found)
    return tuple(found[i * len(found) // most] for i in range(most))
