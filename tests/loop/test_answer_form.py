"""What counts as the structured answer in what a model wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agent.form import Accepted, AnswerForm, Rejected

POINT: dict[str, Any] = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["x"],
    "additionalProperties": False,
}
FORM = AnswerForm(POINT)


@pytest.mark.parametrize(
    "text",
    [
        '{"x": 1}',
        ' {"x": 1}\n',
        '```json\n{"x": 1}\n```',
        '~~~\n{"x": 1}\n~~~',
        'Here it is:\n\n```json\n{"x": 1}\n```\nI hope that helps.',
        'Here it is: {"x": 1}',
        '{"x": 1}\n\nI hope that helps.',
        '{"x": 1}</s>',
        '```json\n{"x": 1}',
        '```python\nprint()\n```\n```json\n{"x": 1}\n```',
    ],
)
def test_one_value_with_something_around_it_is_that_value(text: str) -> None:
    read = FORM.read(text)
    assert isinstance(read, Accepted)
    assert read.text == '{"x": 1}'
    assert bool(read.repairs) == (text.strip() != '{"x": 1}')


def test_values_are_repaired_as_a_calls_arguments_are() -> None:
    assert FORM.read('{"x": "5"}') == Accepted('{"x": 5}', ("$.x: string '5' read as integer 5",))
    inside = FORM.read(json.dumps('{"x": 5}'))
    assert isinstance(inside, Accepted)
    assert inside.text == '{"x": 5}'


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "$"),
        ("I can't help with that.", "$"),
        ('{"x": 1} or {"x": 2}', "$"),
        ('```json\n{"x": 1}\n```\n```json\n{"x": 2}\n```', "$"),
        ('{"x": "five"}', "$.x"),
        ('```json\n{"x": "five"}\n```', "$.x"),
        ('{"x": 1, "x": 2}', "$"),
        ('{"x": NaN}', "$"),
        ('{"x": 1', "$"),
        ('{"x": 1, "y": 2}', "$"),
        ("[" * 100_000, "$"),
        ("{" * 300_000, "$"),
    ],
)
def test_what_can_not_be_told_is_rejected_with_its_place(text: str, path: str) -> None:
    read = FORM.read(text)
    assert isinstance(read, Rejected)
    assert read.path == path
    assert read.message


def test_control_characters_in_a_text_are_escaped() -> None:
    read = FORM.read('{"x": 1, "note": "a\tb"}')
    assert isinstance(read, Accepted)
    assert json.loads(read.text) == {"x": 1, "note": "a\tb"}


def test_advice_repeats_a_schema_that_is_short() -> None:
    wrong = Rejected("must be an integer", "$.x")
    assert "$.x: must be an integer" in FORM.advice(wrong)
    assert '"additionalProperties"' in FORM.advice(wrong)
    long = AnswerForm({"type": "object", "description": "d" * 5000})
    assert "ddd" not in long.advice(wrong)


@given(
    value=st.fixed_dictionaries({"x": st.integers(), "note": st.text()}),
    before=st.sampled_from(["", "Well, ", "Sure!\n"]),
    after=st.sampled_from(["", "\n\nThat is all.", "</s>"]),
    ascii_only=st.booleans(),
)
def test_whatever_stands_around_it_a_value_is_never_changed(
    value: dict[str, Any], before: str, after: str, *, ascii_only: bool
) -> None:
    spelled = json.dumps(value, ensure_ascii=ascii_only)
    read = FORM.read(before + spelled + after)
    assert isinstance(read, Accepted)
    assert json.loads(read.text) == value


@given(st.text())
def test_no_text_raises(text: str) -> None:
    read = FORM.read(text)
    assert isinstance(read, Rejected | Accepted)
