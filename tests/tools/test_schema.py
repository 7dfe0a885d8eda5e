"""Registration refuses what would hurt later; checking a call is bounded and says what to mend."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.errors import RegistrationError
from tools.schema import compile_parameters


def parameters(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def refusal(schema: Any) -> RegistrationError:
    started = time.process_time()
    with pytest.raises(RegistrationError) as caught:
        compile_parameters(schema)
    assert time.process_time() - started < 2
    return caught.value


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = parameters(child=schema)
    return schema


def test_a_remote_ref_is_refused_and_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: Any, **__: Any) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    error = refusal(parameters(city={"$ref": "http://127.0.0.1:9/schema.json"}))
    assert error.where == "$.parameters.properties.city.$ref"
    assert "never fetched" in error.why


@pytest.mark.parametrize(
    ("schema", "where", "why"),
    [
        (parameters(a={"$ref": "#/$defs/missing"}), "$.parameters.properties.a.$ref", "no schema"),
        (parameters(a={"$ref": "#missing"}), "$.parameters.properties.a.$ref", "no schema"),
        (parameters(a={"$dynamicRef": "#x"}), "$.parameters.properties.a.$dynamicRef", "local $ref"),
        (parameters(a={"$id": "https://x.example/", "type": "string"}), "$.parameters.properties.a.$id", "root"),
        (parameters(a={"type": "string", "pattern": "^(a+)+$"}), "$.parameters.properties.a.pattern", "catastrophic"),
        (parameters(a={"patternProperties": {"(x*)*y": {}}}), "$.parameters.properties.a.patternProperties", "catastrophic"),
        (parameters(a={"type": "string", "pattern": "["}), "$.parameters.properties.a.pattern", "no regular expression"),
        (parameters(a={"type": "string", "pattern": "(?=a)b"}), "$.parameters.properties.a.pattern", "look-around"),
        (parameters(a={"type": "string", "pattern": r"(a)\1"}), "$.parameters.properties.a.pattern", "back-reference"),
        (parameters(a={"type": "string", "pattern": "^.{1,2000}$"}), "$.parameters.properties.a.pattern", "maxLength"),
        (parameters(a={"type": "string", "additionalItems": 5}), "$.parameters.properties.a.additionalItems", "Draft 7"),
        (parameters(a={"type": "strnig"}), "$.parameters.properties.a.type", "2020-12"),
        (parameters(a={"type": "integer", "default": "five"}), "$.parameters.properties.a.default", "expected integer"),
        (parameters(a={"type": "string", "default": None}), "$.parameters.properties.a.default", "null"),
        (parameters(a={"type": "integer", "enum": ["a", "b"]}), "$.parameters.properties.a.enum", "no value"),
        (parameters(a={"type": "integer", "const": "a"}), "$.parameters.properties.a.const", "its own type"),
        ({"type": "array", "items": {}}, "$.parameters.type", "object"),
        ({"type": "string"}, "$.parameters.type", "object"),
        ({"description": "nothing"}, "$.parameters", "object"),
        (parameters(a=[]), "$.parameters.properties.a", "must be a schema"),
        ({"type": "object", "properties": []}, "$.parameters.properties", "must be an object"),
        ({"type": "object", "maximum": math.nan}, "$.parameters", "no JSON"),
        ({"type": "object", "description": "x" * 200_000}, "$.parameters", "bytes"),
        ({"type": "object", "properties": {f"p{i}": {} for i in range(6_000)}}, "$.parameters", "subschemas"),
        ({"$ref": "#"}, "$.parameters", "refers to itself"),
        ({"type": "object", "allOf": [{"$ref": "#"}]}, "$.parameters", "refers to itself"),
    ],
)  # fmt: skip
def test_a_schema_that_would_hurt_later_is_refused_with_place_and_reason(
    schema: Any, where: str, why: str
) -> None:
    error = refusal(schema)
    assert error.where == where
    assert why in error.why


@pytest.mark.parametrize("depth", [100, 2_000, 50_000])
def test_deep_recursion_is_refused_in_bounded_time(depth: int) -> None:
    assert "deep" in refusal(nested(depth)).why


def test_a_schema_that_doubles_at_each_level_is_refused() -> None:
    defs = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)}
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/d0"}},
        "$defs": {**defs, "d40": {}},
    }
    assert "unfolds" in refusal(schema).why


@pytest.mark.parametrize(
    "pattern",
    [
        r"^([a-z]+-)*[a-z]+$",
        r"^[\w.+-]+@[\w-]+(\.[\w-]+)+$",
        r"^\d{4}-\d{2}-\d{2}$",
        r"(.|\n)+",
        "é+",
    ],
)
def test_ordinary_patterns_are_accepted(pattern: str) -> None:
    compile_parameters(parameters(a={"type": "string", "pattern": pattern}))


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$id": "https://x.example/s",
            **parameters(),
        },
        {"$ref": "#/$defs/node", "$defs": {"node": parameters(next={"$ref": "#/$defs/node"})}},
        parameters(
            title={"type": "string"}, pattern={"type": "string"}, **{"$ref": {"type": "string"}}
        ),
    ],
)
def test_ordinary_schemas_are_accepted(schema: Any) -> None:
    assert compile_parameters(schema).check({}) is None


@pytest.mark.parametrize(
    ("schema", "value", "path", "message"),
    [
        ({"type": "integer"}, "5 years", "$.v", "got string '5 years', expected integer"),
        ({"enum": ["a", "b"]}, "c", "$.v", "got string 'c', expected one of: \"a\", \"b\""),
        ({"type": "integer", "maximum": 3}, 9, "$.v", "got integer 9, must be at most 3"),
        ({"type": "array", "items": {"type": "number"}}, [1, "x"], "$.v[1]", "got string 'x', expected number"),
        ({"type": "string", "pattern": "^a$"}, "b", "$.v", "got string 'b', must match the regular expression '^a$'"),
        ({"type": "string", "minLength": 2}, "b", "$.v", "got string 'b', must have at least 2 characters"),
        (parameters(x={"type": "string"}) | {"required": ["x"]}, {}, "$.v", "missing 'x'; allowed are: x (string)"),
        (parameters(x={}) | {"additionalProperties": False}, {"y": 1}, "$.v", "unknown property 'y'; allowed are: x"),
        ({"uniqueItems": True}, [1, 1.0], "$.v", "the items must differ from each other"),
        ({"const": 5}, 6, "$.v", "got integer 6, expected exactly 5"),
        (False, 1, "$", "nothing is allowed here"),
    ],
)  # fmt: skip
def test_a_problem_names_the_place_what_was_given_and_what_is_expected(
    schema: Any, value: Any, path: str, message: str
) -> None:
    problem = compile_parameters(parameters(v=schema)).check({"v": value})
    assert problem is not None
    assert (problem.path, problem.message) == (path, message)


def test_items_are_unique_as_json_values_are() -> None:
    compiled = compile_parameters(parameters(v={"uniqueItems": True}))
    assert compiled.check({"v": [1, True, "1", [1], {"a": 1}, {"a": True}]}) is None
    assert compiled.check({"v": [{"a": [1]}, {"a": [1.0]}]}) is not None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "\ud800", {"\udc00": 1}])
def test_what_is_no_json_is_never_valid(value: Any) -> None:
    assert compile_parameters({"type": "object"}).check({"v": [value]}) is not None


def test_a_long_text_against_a_bad_pattern_takes_linear_time() -> None:
    compiled = compile_parameters(parameters(v={"type": "string", "pattern": "^(a*a*a*)b$"}))
    started = time.process_time()
    assert compiled.check({"v": "a" * 250_000}) is not None
    assert time.process_time() - started < 1


def test_a_recursive_schema_with_two_ways_down_is_checked_in_bounded_time() -> None:
    way = parameters(child={"$ref": "#/$defs/node"}) | {"required": ["child"]}
    node = {"anyOf": [way, {**way, "minProperties": 1}]}
    compiled = compile_parameters(
        {"type": "object", "$ref": "#/$defs/node", "$defs": {"node": node}}
    )
    value: dict[str, Any] = {"child": 1}
    for _ in range(60):
        value = {"child": value}
    started = time.process_time()
    assert compiled.check(value) is not None
    assert time.process_time() - started < 3


def test_mixed_items_that_must_differ_are_checked_in_bounded_time() -> None:
    compiled = compile_parameters(parameters(v={"type": "array", "uniqueItems": True}))
    started = time.process_time()
    assert compiled.check({"v": [each for i in range(30_000) for each in (i, str(i))]}) is None
    assert time.process_time() - started < 3


def test_nesting_of_100_000_is_a_problem_and_no_recursion_error() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    problem = compile_parameters({"type": "object"}).check({"v": value})
    assert problem is not None
    assert "deep" in problem.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)
COMPILED = compile_parameters(
    parameters(
        a={"type": ["string", "null"], "pattern": "^[a-z]*$"},
        b={
            "type": "array",
            "items": {"anyOf": [{"type": "integer"}, {"$ref": "#"}]},
            "uniqueItems": True,
        },
        c={
            "oneOf": [
                {"const": 1},
                {"type": "object", "patternProperties": {"^x": {"type": "number"}}},
            ]
        },
    )
    | {"additionalProperties": {"type": "number", "multipleOf": 0.5}}
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), json_values))
def test_checking_anything_never_raises(arguments: dict[str, Any]) -> None:
    problem = COMPILED.check(arguments)
    assert problem is None or (problem.path.startswith("$") and len(problem.message) < 5_000)


keywords = st.sampled_from(
    "type properties items anyOf allOf oneOf not if then else $ref $defs enum const default pattern required"
    " additionalProperties minimum multipleOf uniqueItems format $id $schema $anchor patternProperties"
    " dependentSchemas contains prefixItems unevaluatedProperties unevaluatedItems dependencies".split()
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats()
    | st.sampled_from(["object", "string", "#", "#/properties/a", "^(a+)+$", "[", "http://x/", "a"])
    | st.text(max_size=5)
)
schemas = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keywords | st.sampled_from("ab"), inner, max_size=4)
    ),
    max_leaves=25,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(keywords, schemas, max_size=5), json_values)
def test_any_document_is_accepted_or_refused_and_what_is_accepted_can_be_checked(
    document: dict[str, Any], value: Any
) -> None:
    with suppress(RegistrationError):  # any other exception fails the test
        compile_parameters({"type": "object", **document}).check({"a": value, "b": [value]})
