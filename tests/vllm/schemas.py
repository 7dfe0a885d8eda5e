"""Twenty tools whose schemas use what JSON Schema offers, for random models to be held to."""

from __future__ import annotations

from typing import Any

from mistral_common.protocol.instruct.tool_calls import Function, Tool

Schema = dict[str, Any]


def _object(properties: Schema, required: list[str] | None = None, **more: Any) -> Schema:
    needed = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": needed, **more}


def _text(longest: int = 12, **more: Any) -> Schema:
    return {"type": "string", "maxLength": longest, **more}


def _list(items: Schema, longest: int = 3, **more: Any) -> Schema:
    return {"type": "array", "items": items, "maxItems": longest, **more}


_NODE = _object({"label": _text(6), "next": {"$ref": "#/$defs/node"}}, ["label"])

SCHEMAS: dict[str, Schema] = {
    "plain_text": _object({"city": _text()}),
    "no_arguments": _object({}),
    "bounded_integer": _object({"days": {"type": "integer", "minimum": 1, "maximum": 14}}),
    "bounded_number": _object(
        {"ratio": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}}
    ),
    "steps": _object({"by": {"type": "integer", "multipleOf": 5, "minimum": -50, "maximum": 50}}),
    "enum": _object({"unit": {"enum": ["celsius", "fahrenheit", None, 3]}}),
    "constant": _object({"kind": {"const": {"a": [1, "x"]}}}),
    "boolean_and_null": _object({"on": {"type": "boolean"}, "off": {"type": "null"}}),
    "optional": _object(
        {
            "a": _text(5),
            "b": {"type": "boolean"},
            "c": {"type": "integer", "minimum": 0, "maximum": 9},
        },
        ["b"],
    ),
    "pattern": _object({"iata": {"type": "string", "pattern": "^[A-Z]{3}$"}}),
    "patterns_with_classes": _object(
        {
            "sku": {"type": "string", "pattern": r"^\w{2}-\d{2,4}$"},
            "tag": _text(9, pattern=r"^\S+$"),
        }
    ),
    "formats": _object(
        {"day": {"type": "string", "format": "date"}, "id": {"type": "string", "format": "uuid"}}
    ),
    "nested_objects": _object(
        {
            "who": _object(
                {
                    "name": _text(8),
                    "home": _object({"zip": {"type": "string", "pattern": "^[0-9]{5}$"}}),
                }
            )
        }
    ),
    "array_of_objects": _object(
        {
            "items": _list(
                _object(
                    {"name": _text(6), "count": {"type": "integer", "minimum": 1, "maximum": 99}}
                ),
                minItems=1,
            )
        }
    ),
    "tuple": _object(
        {
            "point": {
                "type": "array",
                "prefixItems": [
                    {"type": "number", "minimum": -90, "maximum": 90},
                    {"type": "number", "minimum": -180, "maximum": 180},
                ],
                "items": False,
                "minItems": 2,
            }
        }
    ),
    "union_of_types": _object(
        {
            "value": {
                "type": ["string", "integer", "null"],
                "maxLength": 6,
                "minimum": 0,
                "maximum": 50,
            }
        }
    ),
    "any_of": _object(
        {
            "to": {
                "anyOf": [
                    _object({"mail": _text(8)}),
                    _object({"phone": {"type": "string", "pattern": "^\\+[0-9]{6,9}$"}}),
                ]
            }
        }
    ),
    "tagged_one_of": _object(
        {
            "shape": {
                "oneOf": [
                    _object(
                        {
                            "kind": {"const": "circle"},
                            "radius": {"type": "number", "minimum": 0, "maximum": 9},
                        }
                    ),
                    _object(
                        {
                            "kind": {"const": "square"},
                            "side": {"type": "number", "minimum": 0, "maximum": 9},
                        }
                    ),
                ]
            }
        }
    ),
    "recursive": {**_object({"list": {"$ref": "#/$defs/node"}}), "$defs": {"node": _NODE}},
    "map": _object(
        {
            "scores": {
                "type": "object",
                "propertyNames": {"maxLength": 5},
                "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 9},
                "maxProperties": 2,
            }
        }
    ),
}
"""Nested objects, arrays, enums, unions, patterns, formats, numbers with bounds, recursion, maps."""

NOT_EXPRESSIBLE = ("map: $.properties.scores.propertyNames",)
"""What the grammar can't hold a model to in them: only there may a complete call be invalid."""


def tool(name: str) -> Tool:
    return Tool(function=Function(name=name, description=name, parameters=SCHEMAS[name]))
