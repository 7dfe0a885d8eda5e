"""What a parameters schema may look like before any validator sees it.

What it is: one bounded, iterative walk over the document that refuses, with the place and the reason,
what would hurt later: references that leave the document or lead nowhere, reference circles that
consume nothing, patterns that no linear engine runs, size, depth, and schemas that multiply when
they are unfolded.
What it is not: JSON Schema's own grammar; the metaschemas check that (`tools.schema`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote

from tools.errors import RegistrationError
from tools.patterns import BadPattern, compile_pattern

MAX_DEPTH = 60
MAX_SUBSCHEMAS = 5_000
MAX_UNFOLDED = 2_000

ONE_SCHEMA = (
    "items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else",
    "unevaluatedItems", "unevaluatedProperties", "contentSchema",
)  # fmt: skip
SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_SAME_INSTANCE_ONE = ("not", "if", "then", "else")
_SAME_INSTANCE_LIST = ("allOf", "anyOf", "oneOf")

Subschema = Mapping[str, Any] | bool


class SchemaDocument:
    """A parameters schema that passed the walk. `subschemas` maps JSON pointers (`/properties/a`)."""

    def __init__(self, root: dict[str, Any], where: str = "$.parameters") -> None:
        """Walk `root`. Raises `RegistrationError`, whose `where` begins with `where`."""
        self.root = root
        self.subschemas: dict[str, Subschema] = {}
        self._paths: dict[str, str] = {}
        self._anchors: dict[str, str] = {}
        self._where = where
        for pointer, path, node in _walk(root, where):
            self.subschemas[pointer] = node
            self._paths[pointer] = path
            if isinstance(node, Mapping):
                self._check_node(pointer, path, node)
        for pointer, node in self.subschemas.items():
            if isinstance(node, Mapping) and "$ref" in node:
                self._target(pointer, node["$ref"])
        self._check_unfolded()

    def path(self, pointer: str) -> str:
        """The JSON path of a subschema, for people."""
        return self._paths[pointer]

    def resolve(self, ref: str) -> Subschema:
        """The subschema that a local reference of this document leads to."""
        return self.subschemas[self._pointer(ref) or ""]

    def _check_node(self, pointer: str, path: str, node: Mapping[str, Any]) -> None:
        for keyword in ("$dynamicRef", "$recursiveRef"):
            if keyword in node:
                raise RegistrationError(f"{path}.{keyword}", "not supported: use a local $ref")
        if pointer:
            for keyword in ("$id", "$schema"):
                if keyword in node:
                    raise RegistrationError(
                        f"{path}.{keyword}", "only the root of a schema may have it: remove it here"
                    )
        if isinstance(anchor := node.get("$anchor"), str):
            self._anchors[anchor] = pointer
        patterns = [(f"{path}.pattern", node["pattern"])] if "pattern" in node else []
        named = node.get("patternProperties")
        if isinstance(named, Mapping):
            names = cast("Mapping[str, Any]", named)
            patterns += [(f"{path}.patternProperties", each) for each in names]
            if "unevaluatedProperties" in node:
                raise RegistrationError(
                    f"{path}.unevaluatedProperties",
                    "not supported beside patternProperties: use additionalProperties",
                )
        for place, pattern in patterns:
            if not isinstance(pattern, str):
                raise RegistrationError(place, "must be a string")
            try:
                compile_pattern(pattern)
            except BadPattern as error:
                raise RegistrationError(place, f"{pattern[:80]!r}: {error}") from error

    def _target(self, pointer: str, ref: Any) -> str:
        place = f"{self._paths[pointer]}.$ref"
        if not isinstance(ref, str):
            raise RegistrationError(place, "must be a string")
        if not ref.startswith("#"):
            raise RegistrationError(
                place,
                f"{ref[:80]!r} leaves the document and is never fetched: copy the definition into $defs"
                " and refer to it as '#/$defs/…'",
            )
        target = self._pointer(ref)
        if target is None or target not in self.subschemas:
            raise RegistrationError(place, f"{ref[:80]!r} leads to no schema in this document")
        return target

    def _pointer(self, ref: str) -> str | None:
        fragment = unquote(ref[1:])
        return fragment if not fragment or fragment.startswith("/") else self._anchors.get(fragment)

    def _check_unfolded(self) -> None:
        """Bound how often one value is looked at, following references and combinations.

        Post-order, with an own stack. A circle here is a schema that never comes to an end.
        """
        cost: dict[str, int] = {}
        active: set[str] = set()
        for start in self.subschemas:
            stack = [(start, False)]
            while stack:
                pointer, done = stack.pop()
                after = list(self._same_instance(pointer))
                if done:
                    active.discard(pointer)
                    cost[pointer] = 1 + sum(cost[each] for each in after)
                    if cost[pointer] > MAX_UNFOLDED:
                        raise RegistrationError(
                            self._paths[pointer],
                            f"unfolds into more than {MAX_UNFOLDED} schemas for one value: combine fewer",
                        )
                    continue
                if pointer in cost:
                    continue
                if pointer in active:
                    raise RegistrationError(
                        self._paths[pointer],
                        "refers to itself without going into a property or item",
                    )
                active.add(pointer)
                stack.append((pointer, True))
                stack.extend((each, False) for each in after)

    def _same_instance(self, pointer: str) -> Iterator[str]:
        node = self.subschemas[pointer]
        if not isinstance(node, Mapping):
            return
        if "$ref" in node:
            yield self._target(pointer, node["$ref"])
        for keyword in _SAME_INSTANCE_ONE:
            if keyword in node:
                yield f"{pointer}/{keyword}"
        for keyword in _SAME_INSTANCE_LIST:
            yield from (f"{pointer}/{keyword}/{i}" for i in range(len(node.get(keyword, ()))))
        yield from (
            f"{pointer}/dependentSchemas/{_escape(k)}" for k in node.get("dependentSchemas", ())
        )


def _walk(root: Mapping[str, Any], where: str) -> Iterator[tuple[str, str, Subschema]]:
    """Each subschema as (JSON pointer, JSON path, node), breadth first, bounded."""
    level: list[tuple[str, str, Subschema]] = [("", where, root)]
    count = 0
    for _ in range(MAX_DEPTH):
        below: list[tuple[str, str, Subschema]] = []
        for pointer, path, node in level:
            count += 1
            if count > MAX_SUBSCHEMAS:
                raise RegistrationError(
                    where, f"more than {MAX_SUBSCHEMAS} subschemas: split the tool"
                )
            yield pointer, path, node
            if isinstance(node, Mapping):
                below.extend(_children(pointer, path, node))
        if not below:
            return
        level = below
    raise RegistrationError(
        level[0][1][:200], f"nested more than {MAX_DEPTH} schemas deep: flatten it"
    )


def _children(
    pointer: str, path: str, node: Mapping[str, Any]
) -> Iterator[tuple[str, str, Subschema]]:
    for keyword in ONE_SCHEMA:
        if keyword in node:
            yield _child(pointer, path, keyword, node[keyword])
    for keyword in SCHEMA_LISTS:
        if keyword not in node:
            continue
        if not isinstance(node[keyword], list):
            raise RegistrationError(f"{path}.{keyword}", "must be an array of schemas")
        for index, each in enumerate(node[keyword]):
            yield _child(f"{pointer}/{keyword}", f"{path}.{keyword}", index, each)
    for keyword in SCHEMA_MAPS:
        if keyword not in node:
            continue
        if not isinstance(node[keyword], Mapping):
            raise RegistrationError(
                f"{path}.{keyword}", "must be an object whose values are schemas"
            )
        for name, each in node[keyword].items():
            yield _child(f"{pointer}/{keyword}", f"{path}.{keyword}", name, each)


def _child(pointer: str, path: str, key: str | int, node: Any) -> tuple[str, str, Subschema]:
    if isinstance(key, int):
        place = f"{path}[{key}]"
    else:
        place = f"{path}.{key}" if key.replace("$", "").isidentifier() else f"{path}['{key[:80]}']"
    if not isinstance(node, Mapping | bool):
        raise RegistrationError(place, "must be a schema: an object, true or false")
    return f"{pointer}/{_escape(str(key))}", place, cast("Subschema", node)


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
