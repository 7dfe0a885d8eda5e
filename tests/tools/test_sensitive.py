"""Where in a value the fields stand that a tool marks as sensitive."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field

from tools.executors.function import as_tool, tool
from tools.schema import compile_parameters
from tools.sensitive import has_marks, marked_leaves

HOT = {"type": "string", "x-sensitive": True}


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("parameters", "value", "paths"),
    [
        (schema(a=HOT, b={"type": "string"}), {"a": "x", "b": "y"}, {("a",)}),
        (schema(a=schema(b=HOT)), {"a": {"b": "x", "c": "y"}}, {("a", "b")}),
        (
            schema(a={"type": "object", "x-sensitive": True}),
            {"a": {"b": [1, {"c": None}]}},
            {("a", "b", 0), ("a", "b", 1, "c")},
        ),
        (schema(a={"type": "array", "items": HOT}), {"a": ["x", "y"]}, {("a", 0), ("a", 1)}),
        (
            schema(a={"type": "array", "prefixItems": [{"type": "string"}, HOT]}),
            {"a": ["x", "y", "z"]},
            {("a", 1)},
        ),
        (schema(a={"anyOf": [HOT, {"type": "integer"}]}), {"a": 5}, {("a",)}),
        (
            {**schema(a={"$ref": "#/$defs/hot"}), "$defs": {"hot": HOT}},
            {"a": "x"},
            {("a",)},
        ),
        (
            {"type": "object", "patternProperties": {"^s_": HOT}},
            {"s_a": "x", "b": "y"},
            {("s_a",)},
        ),
        ({**schema(b={}), "additionalProperties": HOT}, {"a": "x", "b": "y"}, {("a",)}),
        (schema(a={"type": "string", "x-sensitive": False}), {"a": "x"}, set[Any]()),
        (schema(a=HOT), {"b": "x"}, set[Any]()),
        (schema(a=HOT), {"a": None}, {("a",)}),
    ],
)
def test_the_marked_leaves(parameters: dict[str, Any], value: Any, paths: set[Any]) -> None:
    assert marked_leaves(compile_parameters(parameters), value) == paths


def test_a_tree_that_refers_to_itself_is_followed_as_far_as_the_value_goes() -> None:
    node = schema(name=HOT, children={"type": "array", "items": {"$ref": "#/$defs/node"}})
    parameters = {**schema(tree={"$ref": "#/$defs/node"}), "$defs": {"node": node}}
    value = {"tree": {"name": "x", "children": [{"name": "y"}]}}
    found = marked_leaves(compile_parameters(parameters), value)
    assert found == {("tree", "name"), ("tree", "children", 0, "name")}


def test_what_takes_too_long_to_tell_is_all_sensitive() -> None:
    parameters = schema(a={"type": "array", "items": {"anyOf": [HOT] + [{"type": "null"}] * 50}})
    value = {"a": ["x"] * 5_000, "b": "y"}
    assert ("b",) in marked_leaves(compile_parameters(parameters), value)


def test_a_function_marks_a_field_by_an_annotation() -> None:
    @tool
    def tell(who: Annotated[str, Field(json_schema_extra={"x-sensitive": True})], what: str) -> str:
        """Tell somebody something.

        Args:
            who: Whom.
            what: What.
        """
        return who + what

    spec, _ = as_tool(tell)
    compiled = compile_parameters(spec.parameters)
    assert has_marks(compiled)
    assert marked_leaves(compiled, {"who": "Ann", "what": "hi"}) == {("who",)}
