"""Fields that a tool's author marks as sensitive: `"x-sensitive": true` in `parameters` or `returns`.

What it is: where, in a given value, the leaves are that stand below a mark. Every branch of a combination
counts, taken or not: a mark says too much rather than too little.
What it is not: what becomes of them (`gateway.agent.boundary`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from tools.patterns import compile_pattern
from tools.schema import CompiledSchema
from tools.schema_document import Subschema

MARK = "x-sensitive"

Path = tuple[str | int, ...]

_MOST_STEPS = 50_000
_SAME_VALUE_LISTS = ("allOf", "anyOf", "oneOf")
_SAME_VALUE = ("if", "then", "else")


@lru_cache(maxsize=2_048)
def has_marks(schema: CompiledSchema) -> bool:
    """Whether anything in a schema is marked."""
    stack: list[Any] = [schema.root]
    while stack:
        node = stack.pop()
        if isinstance(node, Mapping):
            named = cast("Mapping[str, Any]", node)
            if named.get(MARK) is True:
                return True
            stack += named.values()
        elif isinstance(node, list):
            stack += cast("list[Any]", node)
    return False


def marked_leaves(schema: CompiledSchema, value: Any) -> frozenset[Path]:
    """The paths of the leaves of `value` that are sensitive; of all, where that takes too long to tell."""
    if not has_marks(schema):
        return frozenset()
    walk = _Walk(schema)
    walk.visit(schema.root, value, ())
    return frozenset(_leaves(value, ())) if walk.steps_left < 0 else frozenset(walk.found)


class _Walk:
    """A value and what its schema says about it, side by side."""

    def __init__(self, schema: CompiledSchema) -> None:
        self._schema = schema
        self.steps_left = _MOST_STEPS
        self.found: set[Path] = set()

    def visit(self, node: Subschema, value: Any, path: Path) -> None:
        self.steps_left -= 1
        if isinstance(node, bool) or self.steps_left < 0:
            return
        if node.get(MARK) is True:
            self.found.update(_leaves(value, path))
            return
        if "$ref" in node:
            self.visit(self._schema.resolve(node["$ref"]), value, path)
        for keyword in _SAME_VALUE_LISTS:
            for branch in node.get(keyword, ()):
                self.visit(branch, value, path)
        for keyword in _SAME_VALUE:
            if keyword in node:
                self.visit(node[keyword], value, path)
        if isinstance(value, dict):
            self._object(node, cast("dict[str, Any]", value), path)
        elif isinstance(value, list):
            self._array(node, cast("list[Any]", value), path)

    def _object(self, node: Mapping[str, Any], value: dict[str, Any], path: Path) -> None:
        named: Mapping[str, Any] = node.get("properties", {})
        patterns: Mapping[str, Any] = node.get("patternProperties", {})
        for branch in node.get("dependentSchemas", {}).values():
            self.visit(branch, value, path)
        for name, each in value.items():
            inner = (*path, name)
            matching = [s for p, s in patterns.items() if compile_pattern(p).search(name)]
            if name in named:
                matching.append(named[name])
            for keyword in ("additionalProperties", "unevaluatedProperties"):
                if not matching and keyword in node:
                    matching.append(node[keyword])
            for schema in matching:
                self.visit(schema, each, inner)

    def _array(self, node: Mapping[str, Any], value: list[Any], path: Path) -> None:
        first: list[Any] = node.get("prefixItems", [])
        for index, each in enumerate(value):
            inner = (*path, index)
            rest = first[index] if index < len(first) else node.get("items", True)
            self.visit(rest, each, inner)
            for keyword in ("contains", "unevaluatedItems"):
                if keyword in node:
                    self.visit(node[keyword], each, inner)


def _leaves(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for name, each in cast("dict[str, Any]", value).items():
            yield from _leaves(each, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(cast("list[Any]", value)):
            yield from _leaves(each, (*path, index))
    else:
        yield path
