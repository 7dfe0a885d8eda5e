"""JSON Schema's own grammar, checked one subschema at a time.

What it is: the metaschemas of 2020-12 and Draft 7 with their recursion taken out, made from the official
documents when the module is imported. jsonschema's `check_schema` walks the metaschema's dynamic
references for every subschema, which takes milliseconds a tool; requests bring tools of their own, so a
definition has to be judged in microseconds.
What it is not: the walk over subschemas (`tools.schema_document`), which sees to everything that a
metaschema would descend into; and like `tools.schema`, which uses it, no place for rules of our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema_specifications import REGISTRY

_DRAFT_7 = "http://json-schema.org/draft-07/schema"
_2020_12 = "https://json-schema.org/draft/2020-12/meta/"
_VOCABULARIES = (
    "core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation", "content",
)  # fmt: skip
# Subschemas of Draft 7 that 2020-12 does not know: the walk does not see them, the metaschema has to.
_ONLY_DRAFT_7 = ("additionalItems", "dependencies")

Node = Mapping[str, Any]


def grammar_problem(node: Node) -> tuple[str, str, str] | None:
    """What is wrong with one subschema, its own subschemas aside.

    None, or the draft, the JSON path below the node (`$.type`) and a sentence.
    """
    for draft, validator in _CHECKS:
        errors: Iterator[ValidationError] = cast("Any", validator).iter_errors(dict(node))
        if (error := next(errors, None)) is not None:
            return draft, error.json_path, error.message[:300]
    return None


def _flat(node: Any, root: Node) -> Any:
    """The metaschema's node with local definitions put in and references to whole schemas taken out."""
    if isinstance(node, list):
        return [_flat(each, root) for each in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    known = cast("dict[str, Any]", node)
    ref: str = known.get("$ref", "")
    if "$dynamicRef" in known or ref == "#":
        return {}
    rest = {name: _flat(value, root) for name, value in known.items() if name != "$ref"}
    if not ref:
        return rest
    target: Any = root
    for part in ref.removeprefix("#/").split("/"):
        target = target[part]
    return {"allOf": [_flat(target, root)], **rest}


def _draft_7() -> Node:
    root = cast("dict[str, Any]", REGISTRY.contents(_DRAFT_7))
    known = {
        name: value if name in _ONLY_DRAFT_7 else _flat(value, root)
        for name, value in root["properties"].items()
    }
    return {"$id": _DRAFT_7 + "-flat", "properties": _absolute(known)}


def _absolute(node: Any) -> Any:
    if isinstance(node, list):
        return [_absolute(each) for each in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    known = cast("dict[str, Any]", node)
    return {
        name: _DRAFT_7 + value if name == "$ref" and isinstance(value, str) else _absolute(value)
        for name, value in known.items()
    }


def _draft_2020_12() -> Node:
    known: dict[str, Any] = {}
    for vocabulary in _VOCABULARIES:
        root = cast("dict[str, Any]", REGISTRY.contents(_2020_12 + vocabulary))
        known |= {name: _flat(value, root) for name, value in root["properties"].items()}
    return {"properties": known}


_CHECKS = (
    (
        "2020-12",
        Draft202012Validator(
            _draft_2020_12(), registry=REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER
        ),
    ),
    (
        "Draft 7",
        Draft7Validator(
            _draft_7(), registry=REGISTRY, format_checker=Draft7Validator.FORMAT_CHECKER
        ),
    ),
)
