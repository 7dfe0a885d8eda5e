"""The grammar spells Mistral's native calls, and says what of a schema it can't hold a model to."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from mistral_common.protocol.instruct.tool_calls import Function, Tool

from routing.backend import NamedTool
from routing.grammar.lark import lark_grammar
from routing.grammar.patterns import expressible_pattern
from routing.grammar.subset import expressible


def tool(name: str = "f", parameters: dict[str, Any] | None = None) -> Tool:
    return Tool(function=Function(name=name, description="", parameters=parameters or {}))


def one(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema}, "required": ["a"]}


def left_out(schema: dict[str, Any]) -> tuple[str, ...]:
    return expressible(one(schema))[1]


def test_the_spelling_is_mistrals() -> None:
    grammar = lark_grammar([tool("get_weather", one({"type": "string"}))], max_calls=3)
    lines = grammar.text.splitlines()
    assert lines[0] == "start: content | fcalls"
    assert lines[1] == r"content: (/(.|\n)+/)+"
    assert lines[2] == 'fcalls: <[9]> "[" call (", " call){0,2} "]"'
    assert lines[3] == "call: call_0"
    assert lines[4].startswith(
        r'call_0: "{\"name\": \"get_weather\", \"arguments\": " %json {"type":"object"'
    )
    assert '"item_separator":", ","key_separator":": "' in lines[4]
    assert lines[4].endswith('"}"')


def test_each_tool_is_an_alternative() -> None:
    text = lark_grammar([tool("a"), tool("b")]).text
    assert "call: call_0 | call_1" in text


def test_a_single_call_needs_no_repetition() -> None:
    assert 'fcalls: <[9]> "[" call "]"' in lark_grammar([tool()], max_calls=1).text


def test_a_named_choice_leaves_that_tool_once() -> None:
    text = lark_grammar([tool("a"), tool("b")], choice=NamedTool("b")).text
    assert text.startswith('start: fcalls\nfcalls: <[9]> "[" call "]"\n')
    assert r"\"a\"" not in text


def test_none_leaves_text_alone() -> None:
    text = lark_grammar([tool()], choice="none").text
    assert text == "start: content\ncontent: (/(.|\\n)+/)+\n"


def test_required_leaves_no_text() -> None:
    assert "content" not in lark_grammar([tool()], choice="required").text


def test_an_output_schema_takes_the_place_of_free_text() -> None:
    text = lark_grammar([tool()], output_schema=one({"not": {}})).text
    assert 'content: %json {"type":"object"' in text


def test_what_is_left_out_names_the_tool_and_the_path() -> None:
    grammar = lark_grammar([tool(), tool("g", one({"type": "array", "uniqueItems": True}))])
    assert grammar.unsupported == ("g: $.properties.a.uniqueItems",)


def test_a_grammar_is_made_once_for_the_same_tools() -> None:
    schema = one({"type": "string"})
    assert lark_grammar([tool("x", schema)]) is lark_grammar(
        [tool("x", json.loads(json.dumps(schema)))]
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^[a-z]+$", "format": "date"},
        {"type": "integer", "minimum": -5, "exclusiveMaximum": 10**18, "multipleOf": 5},
        {"type": "number", "multipleOf": 0.25},
        {"type": "array", "items": {"enum": [1, "x", None]}, "minItems": 1, "maxItems": 1000},
        {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
        {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        {"anyOf": [{"const": 1}, {"$ref": "#/$defs/n"}]},
        {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 3},
        {"type": "object", "patternProperties": {"^x": True}},
        {"title": "t", "description": "d", "default": 1, "examples": [1], "x-vendor": 1},
        True,
    ],
)
def test_what_llguidance_can_express_is_kept(schema: Any) -> None:
    assert left_out(schema) == ()


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"not": {"const": 1}}, "not"),
        ({"if": True}, "if"),
        ({"type": "array", "contains": True}, "contains"),
        ({"type": "object", "propertyNames": {"maxLength": 1}}, "propertyNames"),
        ({"type": "object", "dependentRequired": {"a": ["b"]}}, "dependentRequired"),
        ({"type": "object", "unevaluatedProperties": False}, "unevaluatedProperties"),
        ({"type": "object", "properties": {"x": True}, "minProperties": 1}, "minProperties"),
        ({"type": "object", "patternProperties": {"^a": True, "b$": True}}, "patternProperties"),
        ({"type": "object", "patternProperties": {"(?=a)": True}}, "patternProperties"),
        ({"type": "string", "format": "phone"}, "format"),
        ({"type": "string", "pattern": "(?!a)"}, "pattern"),
        ({"type": "integer", "maximum": 10**19}, "maximum"),
        ({"type": "number", "multipleOf": 0.01}, "multipleOf"),
        ({"type": "array", "maxItems": 100_000}, "maxItems"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "oneOf"),
    ],
)
def test_what_llguidance_cant_express_is_listed(schema: dict[str, Any], keyword: str) -> None:
    assert left_out(schema) == (f"$.properties.a.{keyword}",)


def test_a_count_with_a_fraction_and_a_step_with_many_digits_do_not_cost_the_turn_its_grammar() -> (
    None
):
    schema = {"type": "array", "maxItems": 2.0, "items": {"multipleOf": 1234567890}}
    subset, unsupported = expressible(one(schema))
    assert subset["properties"]["a"] == {"type": "array", "maxItems": 2, "items": {}}
    assert repr(subset["properties"]["a"]["maxItems"]) == "2"
    assert unsupported == ("$.properties.a.items.multipleOf",)


def test_branches_told_apart_by_a_required_constant_are_disjoint() -> None:
    def branch(kind: str) -> dict[str, Any]:
        return {"properties": {"kind": {"const": kind}}, "required": ["kind"]}

    assert left_out({"oneOf": [branch("a"), branch("b")]}) == ()
    assert left_out({"oneOf": [branch("a"), branch("a")]}) == ("$.properties.a.oneOf",)


def test_silence_about_other_properties_is_read_as_none_where_nothing_else_describes_them() -> None:
    closed, _ = expressible(one({"type": "object", "properties": {"b": True}}))
    assert closed["additionalProperties"] is False
    assert closed["properties"]["a"]["additionalProperties"] is False
    joined, _ = expressible({**one({}), "allOf": [{"properties": {"b": True}}]})
    assert "additionalProperties" not in joined
    assert "additionalProperties" not in joined["allOf"][0]
    undeclared, _ = expressible({**one({}), "required": ["z"]})
    assert "additionalProperties" not in undeclared
    open_, _ = expressible({**one({}), "additionalProperties": True})
    assert open_["additionalProperties"] is True


def test_an_argument_that_is_an_object_without_declared_properties_stays_free() -> None:
    free = {"type": "object", "properties": {}}
    closed, _ = expressible(one(free))
    assert "additionalProperties" not in closed["properties"]["a"]
    assert expressible(free)[0]["additionalProperties"] is False


@pytest.mark.parametrize("schema", [{}, {"type": ["object", "null"]}, {"properties": {}}])
def test_arguments_are_always_an_object(schema: dict[str, Any]) -> None:
    assert expressible(schema)[0]["type"] == "object"


def test_a_schema_nested_without_end_is_cut_off_and_listed() -> None:
    schema: dict[str, Any] = {}
    for _ in range(300):
        schema = {"type": "array", "items": schema}
    assert len(left_out(schema)) == 1


@pytest.mark.parametrize(
    ("pattern", "ours"),
    [
        (r"^\d{2}$", "^[0-9]{2}$"),
        (r"[\w.-]+@x", "[A-Za-z0-9_.-]+@x"),
        (r"[\s-]", r"[ \t\n\r\f\v-]"),
        (r"\D\/\-", r"[^\p{Nd}]\/\-"),
        (r"[^\w]", r"[^\w\p{N}]"),
        ("^a$|^b$", "^a$|^b$"),
        (r"a\_b", "a_b"),
        ("[[]", r"[\[]"),
    ],
)
def test_patterns_are_put_into_ascii_classes(pattern: str, ours: str) -> None:
    assert expressible_pattern(pattern) == ours


@pytest.mark.parametrize("pattern", [r"^\S$", r"^[^\s]$"])
def test_what_is_no_space_is_one_for_no_validator(pattern: str) -> None:
    grammar = expressible_pattern(pattern)
    assert grammar is not None
    assert re.search(grammar, "x")
    spaces = [chr(code) for code in range(0x10000) if chr(code).isspace()]
    assert [space for space in [*spaces, "\ufeff"] if re.search(grammar, space)] == []


@pytest.mark.parametrize(
    "pattern",
    [r"\bx", "a^b", "x$y", "(^a)", r"(a)\1", "(?=a)", "(?<!a)b", r"a\Z", "a++", r"[\D]", "[a", 3],
)
def test_patterns_that_would_mean_something_else_are_not_expressible(pattern: object) -> None:
    assert expressible_pattern(pattern) is None


def test_an_answer_is_of_the_type_that_its_schema_names_and_arguments_are_an_object() -> None:
    numbers = {"type": "array", "items": {"type": "integer"}}
    assert expressible(numbers, answers=True)[0]["type"] == "array"
    assert expressible(numbers)[0]["type"] == "object"
    assert expressible({"properties": {"b": True}}, answers=True)[0]["type"] == "object"
