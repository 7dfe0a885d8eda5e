"""llguidance, under which vLLM and llama.cpp generate calls: the gateway's own grammar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.grammar.subset import are_disjoint, subset
from routing.targets.target import Compiled, Schema, changed

TARGET = "llguidance (vLLM, llama.cpp)"


def compile_llguidance(schema: Mapping[str, Any]) -> Compiled:
    """The schema of the grammar that `routing.grammar.lark` writes for a tool."""
    made = subset(schema)
    return Compiled(
        TARGET, made.schema, changed(made.schema, _as_read), made.left_out, made.narrowed
    )


def _as_read(node: Schema, path: str) -> Schema:
    """Llguidance reads `oneOf` as `anyOf`."""
    del path
    if "oneOf" in node and not are_disjoint(node["oneOf"]):
        also = node.get("allOf", ())
        node = {**node, "allOf": [*also, {"anyOf": node["oneOf"]}]}
        del node["oneOf"]
    return node
