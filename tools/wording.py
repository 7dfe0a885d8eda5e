"""What a model is told about an argument that is not right, so that it can mend its call.

What it is: one sentence from a schema keyword, what it asks for and what was given.
What it is not: finding the error (`tools.schema`). Texts are bounded whatever the argument was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

_SHOWN = 80
_LISTED = 30

_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}

_BOUNDS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be greater than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} properties",
    "maxProperties": "must have at most {} properties",
    "pattern": "must match the regular expression {}",
}


def kind(value: object) -> str:
    """The JSON type of a value: `string`, `integer`, ..."""
    return _KINDS.get(type(value), type(value).__name__)


def show(value: object) -> str:
    """A value in at most about a hundred characters, strings in single quotes."""
    if isinstance(value, str):
        return (
            f"'{value}'"
            if len(value) <= _SHOWN
            else f"'{value[:_SHOWN]}…' ({len(value)} characters)"
        )
    if isinstance(value, list):
        return f"an array of {len(cast('list[Any]', value))} items"
    if isinstance(value, dict):
        return f"an object with {len(cast('dict[str, Any]', value))} properties"
    return json.dumps(value, ensure_ascii=False, default=str)[:_SHOWN]


def given(value: object) -> str:
    """A value with its type: `string 'five'`."""
    if kind(value) in ("null", "array", "object"):
        return show(value)
    return f"{kind(value)} {show(value)}"


def listed(values: Sequence[object]) -> str:
    """Allowed values as JSON, the first thirty of them."""
    shown = [
        json.dumps(value, ensure_ascii=False, default=str)[:_SHOWN] for value in values[:_LISTED]
    ]
    more = len(values) - _LISTED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def properties_of(schema: Mapping[str, Any]) -> str:
    """The properties that a schema knows, `name (type)`, in its order."""
    known: Mapping[str, Any] = schema.get("properties") or {}
    if not known:
        return "it takes no properties"
    named = [
        f"{name} ({sub['type']})"
        if isinstance(sub, dict) and isinstance(cast("Any", sub).get("type"), str)
        else name
        for name, sub in list(known.items())[:_LISTED]
    ]
    return "allowed are: " + ", ".join(named)


def explain(  # noqa: PLR0911  # one sentence for each keyword
    keyword: str, asked: Any, value: Any, schema: Mapping[str, Any]
) -> str:
    """One sentence: what was given, what is expected.

    `keyword` is the schema keyword that failed, `asked` its value, `value` what was given there,
    `schema` the subschema around the keyword. For unknown properties, `value` holds only those.
    """
    match keyword:
        case "type":
            kinds = cast("list[str]", asked) if isinstance(asked, list) else [str(asked)]
            return f"got {given(value)}, expected {' or '.join(kinds)}"
        case "enum":
            return f"got {given(value)}, expected one of: {listed(cast('list[Any]', asked))}"
        case "const":
            return f"got {given(value)}, expected exactly {listed([asked])}"
        case "required":
            missing = [name for name in cast("list[str]", asked) if name not in value]
            names = ", ".join(f"'{name}'" for name in missing[:_LISTED])
            return f"missing {names}; {properties_of(schema)}"
        case "additionalProperties" | "unevaluatedProperties":
            names = ", ".join(show(name) for name in list(cast("dict[str, Any]", value))[:5])
            return f"unknown property {names}; {properties_of(schema)}"
        case "anyOf" | "oneOf":
            return f"got {given(value)}, which fits none of the allowed forms"
        case "uniqueItems":
            return "the items must differ from each other"
        case _ if keyword in _BOUNDS:
            return f"got {given(value)}, {_BOUNDS[keyword].format(show(asked))}"
        case _:
            return f"got {given(value)}, which breaks '{keyword}': {json.dumps(asked, default=str)[:_SHOWN]}"
