"""A schema for each thing that JSON Schema can say of an argument, named for people.

docs/schema-targets.md shows what each target makes of them.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_INTEGER: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}
_TEXT: Schema = {"type": "string"}
_DEFS: Schema = {
    "count": _INTEGER,
    "node": {
        "type": "object",
        "properties": {"label": _TEXT, "next": {"$ref": "#/$defs/node"}},
        "required": ["label"],
        "additionalProperties": False,
    },
}


def _object(properties: Schema, *required: str, **more: Any) -> Schema:
    closed = {"additionalProperties": False, **more}
    return {"type": "object", "properties": properties, "required": list(required), **closed}


def _list(items: Any = None, **more: Any) -> Schema:
    return {"type": "array", **({} if items is None else {"items": items}), **more}


_PAIR: Schema = {"a": _INTEGER, "b": _INTEGER}
_MAIL, _PHONE = _object({"mail": _TEXT}, "mail"), _object({"phone": _TEXT}, "phone")

KEYWORDS: dict[str, Schema] = {
    "type": _TEXT,
    "several types": {"type": ["string", "integer", "null"]},
    "any value": {},
    "enum": {"enum": ["metric", "imperial", None, 3]},
    "enum of objects": {"enum": [{"a": [1, "x"]}, []]},
    "enum beside another type": {"type": "string", "enum": ["metric", 3]},
    "const": {"const": {"a": 1}},
    "minimum, maximum": {"type": "integer", "minimum": 3, "maximum": 90},
    "a large range": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
    "a range of numbers": {"type": "number", "minimum": -90, "maximum": 90},
    "exclusiveMinimum": {"type": "number", "exclusiveMinimum": 0},
    "multipleOf": {"type": "integer", "multipleOf": 5, "minimum": 0},
    "multipleOf 0.01": {"type": "number", "multipleOf": 0.01, "minimum": 0},
    "minimum without a type": {"minimum": 3},
    "minLength, maxLength": {"type": "string", "minLength": 2, "maxLength": 5},
    "pattern ^…$": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "pattern inside": {"type": "string", "pattern": "[0-9]{3}"},
    r"pattern with \d, \w": {"type": "string", "pattern": r"^\w+-\d{2}$"},
    r"pattern with \b": {"type": "string", "pattern": r"^\bword\b$"},
    "pattern and maxLength": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3},
    "format date": {"type": "string", "format": "date"},
    "format uuid": {"type": "string", "format": "uuid"},
    "format email": {"type": "string", "format": "email"},
    "format password": {"type": "string", "format": "password"},
    "items": _list(_INTEGER),
    "an array of anything": _list(),
    "minItems, maxItems": _list(_INTEGER, minItems=1, maxItems=2),
    "uniqueItems": _list(_INTEGER, uniqueItems=True),
    "contains": _list(contains=_INTEGER),
    "prefixItems, no more": _list(items=False, prefixItems=[_INTEGER, _TEXT], minItems=2),
    "prefixItems": _list(prefixItems=[_INTEGER, _TEXT]),
    "properties, required": _object(_PAIR, "b"),
    "undeclared properties": {"type": "object", "properties": _PAIR},
    "required, not declared": {"type": "object", "properties": _PAIR, "required": ["c"]},
    "properties without a type": {"properties": _PAIR, "additionalProperties": False},
    "any object": {"type": "object"},
    "additionalProperties": {"type": "object", "additionalProperties": _INTEGER},
    "properties and additionalProperties": _object({"a": _TEXT}, additionalProperties=_INTEGER),
    "patternProperties": {
        "type": "object",
        "patternProperties": {"^x_[a-z]+$": _INTEGER},
        "additionalProperties": False,
    },
    "propertyNames": {"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}},
    "minProperties": _object(_PAIR, minProperties=1),
    "maxProperties of a map": {
        "type": "object",
        "additionalProperties": _INTEGER,
        "maxProperties": 1,
    },
    "dependentRequired": _object(_PAIR, dependentRequired={"a": ["b"]}),
    "dependentSchemas": _object(_PAIR, dependentSchemas={"a": {"required": ["b"]}}),
    "unevaluatedProperties": {
        "type": "object",
        "properties": _PAIR,
        "unevaluatedProperties": False,
    },
    "anyOf": {"anyOf": [_TEXT, _INTEGER]},
    "anyOf of objects": {"anyOf": [_MAIL, _PHONE]},
    "anyOf beside properties": _object(_PAIR, anyOf=[{"required": ["a"]}, {"required": ["b"]}]),
    "oneOf of different types": {"oneOf": [_TEXT, _INTEGER]},
    "oneOf that overlaps": {"oneOf": [_INTEGER, {"type": "number", "minimum": 2}]},
    "allOf of one": {"allOf": [_INTEGER]},
    "allOf": {"allOf": [_INTEGER, {"minimum": 3}]},
    "allOf of objects": {
        "allOf": [
            {"type": "object", "properties": {"a": _INTEGER}, "required": ["a"]},
            {"type": "object", "properties": {"b": _INTEGER}, "required": ["b"]},
        ]
    },
    "$ref": {"$ref": "#/$defs/count"},
    "$ref beside others": {"$ref": "#/$defs/count", "minimum": 3},
    "recursion": {"$ref": "#/$defs/node"},
    "not": {"type": "string", "not": {"const": "word"}},
    "if, then": _object(
        {"kind": _TEXT, "size": _INTEGER},
        **{"if": {"properties": {"kind": {"const": "word"}}}, "then": {"required": ["size"]}},
    ),
}


def of_argument(schema: Any) -> Schema:
    """The parameters of a tool whose one argument has the schema."""
    parameters = _object({"value": schema}, "value")
    return {**parameters, "$defs": _DEFS} if "$ref" in str(schema) else parameters
