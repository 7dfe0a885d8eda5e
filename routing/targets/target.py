"""What a schema becomes for an engine, and what it means there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

Schema = dict[str, Any]

_ONE = (
    "items", "additionalProperties", "additionalItems", "not", "if", "then", "else", "contains",
    "propertyNames", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
ANNOTATIONS = frozenset(
    {
        *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
        *("$comment", "$schema", "$id", "$anchor", "$defs", "definitions"),
    }
)
"""Keywords that bind no value, or only hold what others refer to."""

Change = Callable[[Schema, str], "Schema | bool"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A schema for one target; `wider`, `narrower` and `refused` are JSON paths into what was registered.

    `sent` is what the target is given, in its own dialect. `enforced` is what it then holds a model to, in
    JSON Schema 2020-12, for arguments as a tool gets them. `wider` is what it lets through and the schema
    doesn't, `narrower` what is allowed and never generated. `refused`: the target takes no such
    schema, and there is neither.
    """

    target: str
    sent: Schema | None
    enforced: Schema | None
    wider: tuple[str, ...] = ()
    narrower: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def changed(node: object, change: Change, path: str = "$") -> Any:
    """`node` with `change` made to each of its schemas, the outer ones first. Booleans stay."""
    if not isinstance(node, Mapping):
        return node
    result = change(dict(cast("Mapping[str, Any]", node)), path)
    if isinstance(result, bool):
        return result
    for key, value in list(result.items()):
        if key in _ONE:
            result[key] = changed(value, change, f"{path}.{key}")
        elif isinstance(value, list) and (key in _LISTS or key == "items"):
            parts = cast("list[Any]", value)
            result[key] = [
                changed(one, change, f"{path}.{key}[{i}]") for i, one in enumerate(parts)
            ]
        elif key in _MAPS and isinstance(value, Mapping):
            named = cast("Mapping[str, Any]", value)
            result[key] = {k: changed(one, change, f"{path}.{key}.{k}") for k, one in named.items()}
    return result


def binding(node: Schema, *besides: str) -> list[str]:
    """The keywords of a schema that bind values, but for `besides`."""
    return [key for key in node if key not in ANNOTATIONS and key not in besides]


def kinds(node: Schema) -> frozenset[str]:
    """The types that a schema names; none where it names none."""
    named = node.get("type")
    if isinstance(named, str):
        return frozenset({named})
    return frozenset(cast("list[str]", named)) if isinstance(named, list) else frozenset()
