"""llguidance, under which vLLM and llama.cpp generate calls: the gateway's own grammar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from routing.grammar.subset import are_disjoint, subset
from routing.targets.target import Compiled, Schema, changed

TARGET = "llguidance (vLLM, llama.cpp)"


def compile_llguidance(schema: Mapping[str, Any]) -> Compiled:
    """The schema of the grammar that `routing.grammar.lark` writes for a tool.

    Refused is one that asks for a property which can have no value: llguidance tells impossible schemas.
    """
    made = subset(schema)
    impossible: list[str] = []

    def as_read(node: Schema, path: str) -> Schema:
        named = cast("Schema", node.get("properties", {}))
        needed = cast("list[str]", node.get("required", ()))
        without = [name for name in needed if _is_impossible(named.get(name))]
        impossible.extend(f"{path}.properties.{name}" for name in without)
        return _as_read(node)

    enforced = changed(made.schema, as_read)
    if impossible:
        return Compiled(TARGET, None, None, refused=tuple(impossible))
    return Compiled(TARGET, made.schema, enforced, made.left_out, made.narrowed)


def _is_impossible(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return schema is False
    node = cast("Schema", schema)
    ways = [way for way in (node.get("anyOf"), node.get("oneOf")) if way]
    return any(map(_is_impossible, node.get("allOf", ()))) or any(
        all(map(_is_impossible, way)) for way in ways
    )


def _as_read(node: Schema) -> Schema:
    """Llguidance reads `oneOf` as `anyOf`."""
    if "oneOf" in node and not are_disjoint(node["oneOf"]):
        also = node.get("allOf", ())
        node = {**node, "allOf": [*also, {"anyOf": node["oneOf"]}]}
        del node["oneOf"]
    return node
