"""The quick yes never says more than the reference does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tools.quick_check import quick_check
from tools.schema import compile_parameters
from tools.schema_document import SchemaDocument

NAMES = st.sampled_from(["a", "b", "ä", "名"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.sampled_from([0.0, 1.0, 2.5, -0.0, 1e15, 2**53, 2**53 + 1, -(2**63), 2**64, 1e300])
    | st.text("ab名😀\u0301", max_size=4)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
BOUND = st.integers(-2, 6) | st.sampled_from([0.5, 2.5, 1e15])
COUNT = st.integers(0, 4)
TYPES = st.sampled_from("null boolean integer number string array object".split())


def _node(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    keywords: Mapping[str, st.SearchStrategy[Any]] = {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(VALUES, min_size=1, max_size=4),
        "const": VALUES,
        "minimum": BOUND,
        "maximum": BOUND,
        "exclusiveMinimum": BOUND,
        "exclusiveMaximum": BOUND,
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), COUNT),
        **dict.fromkeys(("minProperties", "maxProperties"), COUNT),
        "required": st.lists(NAMES, unique=True, max_size=2),
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "additionalProperties": inner,
        "items": inner,
        "not": inner,
        **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), several),
        "format": st.sampled_from(["email", "date-time", "uuid"]),
    }
    return st.lists(st.sampled_from(sorted(keywords)), max_size=3, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: keywords[name] for name in chosen})
    )


SCHEMAS = st.recursive(st.booleans() | _node(st.booleans()), _node, max_leaves=6)


@settings(max_examples=400, deadline=None)
@given(schema=SCHEMAS, values=st.lists(VALUES, min_size=1, max_size=6))
def test_what_is_quickly_valid_is_valid_under_jsonschema(schema: Any, values: list[Any]) -> None:
    root = {"type": "object", "properties": {"v": schema}}
    check = quick_check(SchemaDocument(root))
    if check is None:
        return  # numbers beyond the exact range
    reference = Draft202012Validator(root)
    for value in values:
        if check({"v": value}):
            assert reference.is_valid({"v": value})


@pytest.mark.parametrize("value", [2**53 + 1, 2**70, 1e300, [1] * 1_001, {"deep": [2**64]}])
def test_uncommon_values_are_left_to_the_reference(value: Any) -> None:
    check = quick_check(SchemaDocument({"type": "object"}))
    assert check is not None
    assert check({"v": 1})
    assert not check({"v": value})


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "^a$"},
        {"uniqueItems": True},
        {"multipleOf": 0.1},
        {"enum": [2**60]},
        {"enum": list(range(500))},
        {"$ref": "#"},
        {"anyOf": [{"anyOf": [{"type": "null"}] * 40}] * 20},
    ],
)
def test_other_keywords_circles_and_large_schemas_have_no_quick_check(
    schema: dict[str, Any],
) -> None:
    root = {"type": "object", "properties": {"v": schema}}
    assert quick_check(SchemaDocument(root)) is None


def test_references_that_lead_downwards_have_one() -> None:
    place = {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]}
    ref = {"$ref": "#/$defs/place"}
    root = {"type": "object", "properties": {"from": ref, "to": ref}, "$defs": {"place": place}}
    check = quick_check(SchemaDocument(root))
    assert check is not None
    assert check({"from": {"lat": 1}, "to": {"lat": 2.5}})
    assert not check({"from": {"lat": "1"}})


def test_the_error_of_a_wrong_call_is_the_references() -> None:
    compiled = compile_parameters({"type": "object", "properties": {"v": {"type": "integer"}}})
    assert compiled.check({"v": 1}) is None
    problem = compiled.check({"v": "x"})
    assert problem is not None
    assert (problem.path, problem.message) == ("$.v", "got string 'x', expected integer")
