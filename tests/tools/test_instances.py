"""Instances are made from a schema, each judged by it, the same ones every time."""

from __future__ import annotations

from typing import Any

import pytest

from tools.agreement import agreement
from tools.instance_texts import matching
from tools.instances import instances
from tools.schema import compile_parameters

PLACE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "pattern": "^[A-Z][a-z]+$"},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "unit": {"enum": ["metric", "imperial"]},
    },
    "required": ["city"],
    "additionalProperties": False,
}


def test_both_kinds_are_found_and_judged_by_the_schema() -> None:
    schema = compile_parameters(PLACE)
    found = instances(schema, 200)
    assert all(schema.check(each) is None for each in found.accepted)
    assert all(schema.check(each) is not None for each in found.rejected)
    assert {"city": "Aa", "days": 14, "unit": "metric"} in found.accepted
    assert {"city": "Aa", "days": 15, "unit": "metric"} in found.rejected
    assert {"city": "Aa", "days": 1, "unit": "imperial"} in found.accepted
    assert {"days": 1, "unit": "metric"} in found.rejected


def test_they_are_the_same_every_time_and_as_many_as_wished() -> None:
    schema = compile_parameters(PLACE)
    assert instances(schema) == instances(schema)
    assert len(instances(schema, 5).accepted) == len(instances(schema, 5).rejected) == 5


def test_recursion_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert instances(compile_parameters(node)).accepted == ()


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^[A-Z]{3}$", "AAA"),
        (r"^\+\d{2,4}(-\w+)?$", "+77-w"),
        ("a|b", "a"),
        ("[^a-z ]", "A"),
        ("^(?!x)y", "y"),
        (r"^(?=z)y", None),
    ],
)
def test_a_text_is_made_for_a_pattern_where_there_is_an_easy_one(
    pattern: str, text: str | None
) -> None:
    assert matching(pattern) == text


def test_what_another_schema_judges_differently_is_told() -> None:
    found = instances(compile_parameters(PLACE))
    assert agreement(found, PLACE) == agreement(found, {**PLACE})
    looser = {**PLACE, "properties": {**PLACE["properties"], "unit": {"type": "string"}}}
    told = agreement(found, looser)
    assert told is not None
    assert told.narrower == ()
    assert told.wider
    assert all(each["unit"] not in ("metric", "imperial") for each in told.wider)
    assert agreement(found, {"type": "nothing"}) is None
