"""Mistral's API: a schema as a reader of JSON Schema Draft 7 has to be told it.

mistral-common checks tools against Draft 7's metaschema, and Draft 7 is what the API documents; what is
newer would be skipped in silence, or mean something else: keywords beside a `$ref`, `prefixItems`.
Whether the API holds its models to all of it is not documented; only `strict` asks for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.targets.target import ANNOTATIONS, Compiled, Schema, changed

TARGET = "Draft 7 (Mistral's API)"
_NEWER = (
    "unevaluatedProperties", "unevaluatedItems", "minContains", "maxContains", "$dynamicRef",
)  # fmt: skip
_OTHER_MEANING = ("dependencies", "additionalItems", "$recursiveRef")
"""Draft 7 reads them and 2020-12 doesn't."""
_NOT_SENT = ("$schema", "$id", "$comment", *_OTHER_MEANING)


def compile_draft7(schema: Mapping[str, Any]) -> Compiled:
    """`schema` (2020-12) in Draft 7's words; what has none there is left out and listed."""
    wider: list[str] = []
    refused: list[str] = []

    def keep(node: Schema, path: str) -> Schema:
        if "$anchor" in node:
            refused.append(f"{path}.$anchor")
        wider.extend(f"{path}.{key}" for key in _NEWER if key in node)
        if node.get("minContains") == 0:
            node.pop("contains", None)
        return {key: value for key, value in node.items() if key not in (*_NEWER, *_OTHER_MEANING)}

    enforced = changed(schema, keep)
    if refused:
        return Compiled(TARGET, None, None, refused=tuple(refused))
    return Compiled(TARGET, changed(enforced, _in_draft_7), enforced, tuple(wider))


def _in_draft_7(node: Schema, path: str) -> Schema:
    del path
    node = {key: value for key, value in node.items() if key not in _NOT_SENT}
    if "prefixItems" in node:
        rest: Any = node.pop("items", None)
        node["items"] = node.pop("prefixItems")
        if rest is not None:
            node["additionalItems"] = rest
    dependencies = {**node.pop("dependentRequired", {}), **node.pop("dependentSchemas", {})}
    if dependencies:
        node["dependencies"] = dependencies
    if "$defs" in node:
        node["definitions"] = {**node.pop("$defs"), **node.get("definitions", {})}
    if isinstance(ref := node.get("$ref"), str):
        node["$ref"] = ref.replace("/$defs/", "/definitions/")
        if any(key not in ANNOTATIONS for key in node if key != "$ref"):
            node["allOf"] = [{"$ref": node.pop("$ref")}, *node.get("allOf", ())]
    return node
