"""OpenAI's `strict`: every property is required, an optional one may be null, nothing undeclared.

As documented for Structured Outputs: the root is an object; `allOf`, `not`, `if` and the like are not
taken, `oneOf` becomes `anyOf`, and there are limits on properties, depth and enumerations. What of the
rest has no form there makes the whole tool impossible as strict, and it goes as an ordinary one.
Arguments come back with nulls for what is absent; a tool gets them without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from routing.grammar.patterns import expressible_pattern
from routing.grammar.subset import are_disjoint
from routing.targets.target import Compiled, Schema, binding, changed, kinds

TARGET = "strict (OpenAI)"
FORMATS = frozenset("date-time time date duration email hostname ipv4 ipv6 uuid".split())
MAX_PROPERTIES = 5_000
MAX_DEPTH = 10
MAX_ENUM_VALUES = 1_000
_DROPPED = frozenset(
    {
        *("not", "if", "then", "else", "dependentRequired", "dependentSchemas", "contains"),
        *("minContains", "maxContains", "uniqueItems", "propertyNames", "minProperties"),
        *("maxProperties", "unevaluatedProperties", "unevaluatedItems", "minLength", "maxLength"),
    }
)
_NOT_SENT = ("$schema", "$id", "$comment", "default", "examples")
_CHOICE = ("anyOf", "oneOf")


def compile_strict(schema: Mapping[str, Any]) -> Compiled:
    """`schema` as `strict: true` takes it, or what of it that never takes."""
    walk = _Strict()
    enforced: Schema = changed({"type": "object", "properties": {}, **schema}, walk.node)
    refused = walk.refused + _beyond_limits(enforced)
    if "type" not in enforced or any(key in enforced for key in ("$ref", "anyOf")):
        refused.append("$")
    if refused:
        return Compiled(TARGET, None, None, refused=tuple(refused))
    sent: Schema = changed(enforced, _nullable)
    return Compiled(TARGET, sent, enforced, tuple(walk.wider), tuple(walk.narrower))


class _Strict:
    """One walk: keeps what has a form, lists the rest."""

    def __init__(self) -> None:
        self.wider: list[str] = []
        self.narrower: list[str] = []
        self.refused: list[str] = []

    def node(self, node: Schema, path: str) -> Schema | bool:
        node = self._kept(_unwrapped(node), path)
        if "$ref" in node:
            self.wider.extend(f"{path}.{key}" for key in binding(node, "$ref"))
            return {key: node[key] for key in ("$ref", "description", "$defs") if key in node}
        if "oneOf" in node:
            if not are_disjoint(node["oneOf"]):
                self.wider.append(f"{path}.oneOf")
            node["anyOf"] = node.pop("oneOf")
        if "allOf" in node:
            self.refused.append(f"{path}.allOf")
            return True  # what is inside need not be told too
        if "anyOf" in node and binding(node, "anyOf"):
            self.refused.append(f"{path}.anyOf")
        elif not any(key in node for key in ("type", "enum", "const", "anyOf")):
            if "properties" not in node:
                self.refused.append(path)
            else:
                self.narrower.append(path)
                node["type"] = "object"
        if "object" in kinds(node):
            self._object(node, path)
        if "array" in kinds(node) and (
            "prefixItems" in node or not isinstance(node.get("items"), Mapping)
        ):
            self.refused.append(f"{path}.prefixItems" if "prefixItems" in node else path)
        return node

    def _kept(self, node: Schema, path: str) -> Schema:
        kept: Schema = {}
        for key, value in node.items():
            without_form = (
                key in _DROPPED
                or (key == "format" and value not in FORMATS)
                or (key == "pattern" and expressible_pattern(value) is None)
            )
            if not without_form:
                kept[key] = value
            elif not (key == "uniqueItems" and value is False):
                self.wider.append(f"{path}.{key}")
        return kept

    def _object(self, node: Schema, path: str) -> None:
        properties: Any = node.get("properties")
        free = node.get("additionalProperties", False) is not False
        if free or "patternProperties" in node or (not properties and path != "$"):
            self.refused.append(path)
            return
        if not set(node.get("required", ())) <= set(cast("Schema", properties)):
            self.refused.append(f"{path}.required")
        if any(isinstance(each, bool) for each in cast("Schema", properties).values()):
            self.refused.append(f"{path}.properties")
        if "additionalProperties" not in node:
            self.narrower.append(path)
        node["additionalProperties"] = False


def _unwrapped(node: Schema) -> Schema:
    """A single `allOf`, which tools that write schemas use to describe a reference, without it."""
    inner: Any = node.get("allOf")
    parts = cast("list[Any]", inner) if isinstance(inner, list) else []
    if len(parts) == 1:
        only: Any = parts[0]
        if isinstance(only, Mapping) and not binding(node, "allOf"):
            return {**{k: v for k, v in node.items() if k != "allOf"}, **cast("Schema", only)}
    return node


def _nullable(node: Schema, path: str) -> Schema:
    """In `strict`'s form: all are required, and what may be absent may be null."""
    del path
    node = {key: value for key, value in node.items() if key not in _NOT_SENT}
    if "object" not in kinds(node):
        return node
    required = set(node.get("required", ()))
    properties = cast("dict[str, Schema]", node["properties"])
    node["required"] = list(properties)
    node["properties"] = {
        name: each if name in required else _or_null(each) for name, each in properties.items()
    }
    return node


def _or_null(node: Schema) -> Schema:
    if "type" not in node or "const" in node:
        return {"anyOf": [node, {"type": "null"}]}
    types = sorted(kinds(node) - {"null"})
    opened = {**node, "type": [*types, "null"]}
    if "enum" in node and None not in node["enum"]:
        opened["enum"] = [*node["enum"], None]
    return opened


def _beyond_limits(schema: Schema) -> list[str]:
    properties = values = deepest = 0
    todo: list[tuple[Any, int]] = [(schema, 0)]
    while todo:
        node, depth = todo.pop()
        if not isinstance(node, Mapping):
            continue
        known = cast("Schema", node)
        depth += "object" in kinds(known)
        deepest = max(deepest, depth)
        properties += len(known.get("properties", ()))
        values += len(known.get("enum", ()))
        below: list[Any] = [known.get("items"), *known.get("anyOf", ())]
        below += [*known.get("properties", {}).values(), *known.get("$defs", {}).values()]
        todo.extend((each, depth) for each in below)
    found: list[str] = []
    if properties > MAX_PROPERTIES:
        found.append(f"$: {properties} properties, more than {MAX_PROPERTIES}")
    if values > MAX_ENUM_VALUES:
        found.append(f"$: {values} values in enumerations, more than {MAX_ENUM_VALUES}")
    if deepest > MAX_DEPTH:
        found.append(f"$: {deepest} objects deep, more than {MAX_DEPTH}")
    if len(json.dumps(schema)) > 120_000:
        found.append("$: longer than 120,000 characters")
    return found
