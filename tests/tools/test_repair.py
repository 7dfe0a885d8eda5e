"""Lenient reading, lossless repair. Numbers in names are those of the hard cases."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tools.repair import MAX_CHARACTERS, ParseProblem, parse_arguments, repair_arguments
from tools.schema import compile_parameters
from tools.spec import Problem


def problem_of(raw: str) -> Problem:
    started = time.process_time()
    read = parse_arguments(raw)
    assert time.process_time() - started < 2
    assert isinstance(read, ParseProblem), read
    assert len(read.message) < 500
    return read.problem


def repaired(subschema: Any, value: Any) -> tuple[Any, list[str]]:
    repairs: list[str] = []
    schema = compile_parameters({"type": "object", "properties": {"v": subschema}})
    return repair_arguments({"v": value}, schema, repairs)["v"], repairs


def test_6_a_json_string_inside_a_string_is_decoded_once_and_recorded() -> None:
    repairs: list[str] = []
    assert parse_arguments(json.dumps('{"city": "Paris"}'), repairs) == {"city": "Paris"}
    assert repairs == ["$: JSON inside a string read as JSON"]


def test_6_a_string_in_a_string_in_a_string_is_malformed() -> None:
    assert problem_of(json.dumps(json.dumps('{"city": "Paris"}'))) is Problem.MALFORMED


@pytest.mark.parametrize("raw", [None, "", "  ", "null", " null\n", '"null"'])
def test_7_missing_arguments_are_an_empty_object(raw: str | None) -> None:
    assert parse_arguments(raw) == {}


@pytest.mark.parametrize(
    ("schema", "given_value", "wanted", "note"),
    [
        ({"type": "integer"}, "5", 5, "$.v: string '5' read as integer 5"),
        ({"type": "integer"}, "-12", -12, "$.v: string '-12' read as integer -12"),
        ({"type": "integer"}, "5.0", 5, "$.v: string '5.0' read as integer 5"),
        ({"type": "integer"}, 5.0, 5, "$.v: number 5.0 read as integer 5"),
        ({"type": "number"}, "2.5", 2.5, "$.v: string '2.5' read as number 2.5"),
        ({"type": "boolean"}, "true", True, "$.v: string 'true' read as boolean true"),
        ({"type": "boolean"}, "False", False, "$.v: string 'False' read as boolean false"),
        ({"type": ["integer", "null"]}, "null", None, "$.v: string 'null' read as null null"),
        ({"type": "string"}, 75001, "75001", "$.v: integer 75001 read as string '75001'"),
        ({"type": "array", "items": {"type": "string"}}, "a", ["a"], "$.v: string 'a' read as array"),
        ({"type": "array", "items": {"type": "string"}}, '["a","b"]', ["a", "b"], "$.v: string '[\"a\",\"b\"]' read as array"),
        ({"type": "object"}, '{"a": 1}', {"a": 1}, "$.v: string '{\"a\": 1}' read as object"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "7", 7, "$.v: string '7' read as integer 7"),
    ],
)  # fmt: skip
def test_8_a_lossless_coercion_is_made_and_recorded(
    schema: Any, given_value: Any, wanted: Any, note: str
) -> None:
    value, repairs = repaired(schema, given_value)
    assert value == wanted
    assert type(value) is type(wanted)
    assert repairs == [note]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, "5 years"),
        ({"type": "integer"}, "5.5"),
        ({"type": "integer"}, 5.5),
        ({"type": "integer"}, "1,250"),
        ({"type": "integer"}, "٥"),
        ({"type": "integer"}, "5\n"),
        ({"type": "integer"}, True),
        ({"type": "number"}, "NaN"),
        ({"type": "number"}, "1e999"),
        ({"type": "boolean"}, 1),
        ({"type": "boolean"}, "yes"),
        ({"type": "string"}, 1.5),
        ({"type": "string"}, True),
        ({"type": "string"}, None),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "5"),
        ({"type": "array", "items": {"type": "string"}}, "a, b"),
        ({"type": "array", "items": {"type": "integer"}}, None),
        ({}, "5"),
        (True, "5"),
    ],
)
def test_8_nothing_is_guessed(schema: Any, value: Any) -> None:
    after, repairs = repaired(schema, value)
    assert after is value
    assert repairs == []


def test_8_repair_reaches_into_items_and_references_and_leaves_the_original_alone() -> None:
    schema = compile_parameters(
        {
            "type": "object",
            "properties": {"rows": {"type": "array", "items": {"$ref": "#/$defs/row"}}},
            "$defs": {"row": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        }
    )
    before = {"rows": [{"n": 1}, {"n": "2"}], "extra": 1}
    repairs: list[str] = []
    assert repair_arguments(before, schema, repairs) == {"rows": [{"n": 1}, {"n": 2}], "extra": 1}
    assert before["rows"] == [{"n": 1}, {"n": "2"}]
    assert repairs == ["$.rows[1].n: string '2' read as integer 2"]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ('{"a": NaN}', Problem.MALFORMED),
        ('{"a": -Infinity}', Problem.MALFORMED),
        ('{"a": 1e999}', Problem.MALFORMED),
        ('{"a": 1, "a": 2}', Problem.MALFORMED),
        ('{"a": ' + "9" * 5_000 + "}", Problem.TOO_LARGE),
        ('{"a": 0.' + "9" * 5_000 + "}", Problem.MALFORMED),
        ('{"a": "\\ud800"}', Problem.MALFORMED),
        ('{"a": "\ud800"}', Problem.MALFORMED),
        ('{"\\udfff": 1}', Problem.MALFORMED),
        ('{"a":' + "[" * 100_000, Problem.TOO_LARGE),
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", Problem.TOO_LARGE),
        ('{"a":' * 40_000 + "1" + "}" * 40_000, Problem.TOO_LARGE),
        ("[" * 100_000, Problem.TOO_LARGE),
        ("x" * (MAX_CHARACTERS + 1), Problem.TOO_LARGE),
        ('{"a": "' + '\\"' * 100_000, Problem.TRUNCATED),
        ("[1, 2]", Problem.MALFORMED),
        ('"just text"', Problem.MALFORMED),
        ("5", Problem.MALFORMED),
        ("{'a': 1}", Problem.MALFORMED),
        ('{"a": 1} trailing', Problem.MALFORMED),
        ('{"a": 1}}', Problem.MALFORMED),
        ('{"a" 1}', Problem.MALFORMED),
        ('{"a": wrong}', Problem.MALFORMED),
    ],
)  # fmt: skip
def test_9_what_no_one_may_rely_on_is_a_typed_problem_in_bounded_time(
    raw: str, problem: Problem
) -> None:
    assert problem_of(raw) is problem


WHOLE = (
    '{"city": "S\\u00e3o \\"Paulo\\"", "days": [1, -2.5e3, true, null], "deep": {"a": {"b": ""}}}'
)


@pytest.mark.parametrize("end", range(1, len(WHOLE)))
def test_arguments_cut_at_any_character_are_truncated_and_not_malformed(end: int) -> None:
    assert problem_of(WHOLE[:end]) is Problem.TRUNCATED


def test_literal_control_characters_in_a_string_are_read_as_they_stand() -> None:
    assert parse_arguments('{"a": "one\ntwo\t"}') == {"a": "one\ntwo\t"}


@settings(max_examples=120, deadline=None)
@given(
    st.text(st.sampled_from('{}[]",:\\u0d8f1e9-.truefalsn \n'), max_size=60) | st.text(max_size=60)
)
@example('{"a": "\\')
def test_reading_any_text_never_raises(raw: str) -> None:
    read = parse_arguments(raw)
    assert isinstance(read, dict | ParseProblem)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_what_json_can_say_is_read_back_the_same(arguments: dict[str, Any]) -> None:
    assert parse_arguments(json.dumps(arguments)) == arguments
    assert parse_arguments(json.dumps(json.dumps(arguments))) == arguments


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["v", "w"]), json_values))
def test_repairing_anything_never_raises_and_never_spoils_what_is_valid(
    arguments: dict[str, Any],
) -> None:
    schema = compile_parameters(
        {
            "type": "object",
            "properties": {
                "v": {"type": ["integer", "array"], "items": {"type": "boolean"}},
                "w": {"anyOf": [{"$ref": "#"}, {"type": "number"}, {"type": "null"}]},
            },
        }
    )
    was_valid = schema.check(arguments) is None
    after = repair_arguments(arguments, schema, [])
    assert not was_valid or schema.check(after) is None
