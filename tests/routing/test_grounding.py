"""How far arguments stand in what was said: by users and tools, in whatever spelling."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

from routing.grounding import Said


def said(*texts: str) -> Said:
    return Said.of([UserMessage(content=text) for text in texts])


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("Weather in PARIS, please", {"city": "Paris"}),
        ("weather in San  Francisco", {"city": "san francisco"}),
        ("给妈妈发三百元", {"who": "妈妈", "amount": 300}),
        ("convert 1,500 km", {"value": 1500, "unit": "kilometers"}),
        ("１２ apples", {"n": 12}),
        ("a dozen eggs", {"n": 12.0}),
        ("-5 degrees", {"t": -5}),
        ("anything", {"urgent": True, "note": None}),
        ("remind me", {}),
    ],
)
def test_what_was_said_stands_however_it_was_written(text: str, arguments: Any) -> None:
    assert said(text).grounding(arguments).lowest == 1.0


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("for Anna", {"who": "Ann"}),
        ("number 50", {"n": 5}),
        ("给妈妈", {"who": "爸爸"}),
        ("hello", {"city": "Rome"}),
    ],
)
def test_what_nobody_said_does_not(text: str, arguments: Any) -> None:
    found = said(text).grounding(arguments)
    assert found.lowest == 0.0
    assert len(found.ungrounded) == 1


def test_a_value_said_in_part_counts_in_part_and_its_path_is_told() -> None:
    found = said("from Paris").grounding({"a": {"zone": ["Europe/Paris", "Asia/Tokyo"]}})
    assert found.lowest == 0.0
    assert found.mean == pytest.approx(0.25)
    assert found.ungrounded == ("$.a.zone[1]",)


def test_results_of_tools_count_and_instructions_and_the_models_own_words_do_not() -> None:
    heard = Said.of(
        [
            SystemMessage(content="the code is alpha"),
            UserMessage(content="delete it"),
            AssistantMessage(content="perhaps beta"),
            ToolMessage(content='{"note_id": 17}', tool_call_id="abcdefghi"),
        ]
    )
    assert heard.grounding({"note_id": 17}).lowest == 1.0
    assert heard.grounding({"code": "alpha"}).lowest == 0.0
    assert heard.grounding({"code": "beta"}).lowest == 0.0


def test_what_a_schema_lists_was_chosen_and_is_not_judged() -> None:
    schema = {"properties": {"color": {"enum": ["red", "blue"]}, "n": {"type": "integer"}}}
    assert said("3 of them").grounding({"color": "red", "n": 3}, schema).lowest == 1.0


def test_coverage_is_the_share_of_the_requests_numbers_that_are_used() -> None:
    heard = said("earlier: 99", "add 2 and 1,300")
    assert heard.coverage([{"a": 2}, {"b": 1300}]) == 1.0
    assert heard.coverage([{"a": 2}]) == 0.5
    assert said("no numbers").coverage([{"a": 2}]) == 1.0


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(st.text(max_size=100), st.dictionaries(st.text(max_size=5), _JSON, max_size=4))
def test_it_is_always_a_share(text: str, arguments: dict[str, Any]) -> None:
    heard = said(text)
    found = heard.grounding(arguments)
    assert 0.0 <= found.lowest <= found.mean <= 1.0
    assert 0.0 <= heard.coverage([arguments]) <= 1.0
    assert all(path.startswith("$") for path in found.ungrounded)


@given(st.text("abcé 妈咪12", min_size=1, max_size=30))
def test_a_copied_text_always_stands(text: str) -> None:
    assert said(f"please send {text} now").grounding({"x": text}).lowest == 1.0
