"""Reading native call text: exact arguments, cut and broken lists, hostile input."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from routing.native import CALL_MARKER, CallList, looks_like_call_list, new_call_id, parse_call_list
from tests.growth import assert_linear


def pairs(found: CallList) -> list[tuple[str, str]]:
    return [(call.function.name, call.function.arguments) for call in found.calls]


def test_arguments_are_kept_exactly_as_they_were_spelled() -> None:
    spelled = '{ "b":1.0 ,"a":"\\u00e9", "b" : NaN}'
    found = parse_call_list(f'[{{"name": "x", "arguments": {spelled}}}]')
    assert pairs(found) == [("x", spelled)]
    assert found.complete
    assert found.tail == ""


@pytest.mark.parametrize("marker", ["", CALL_MARKER, f" {CALL_MARKER}\n"])
def test_several_calls_keep_their_order_with_and_without_the_marker(marker: str) -> None:
    found = parse_call_list(
        marker + '[{"name": "a", "arguments": {"x": [1, {}]}}, {"name": "b", "arguments": {}}]'
    )
    assert pairs(found) == [("a", '{"x": [1, {}]}'), ("b", "{}")]
    assert found.complete
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", call.id) for call in found.calls)
    assert found.calls[0].id != found.calls[1].id


def test_text_behind_the_list_is_the_tail() -> None:
    found = parse_call_list('[TOOL_CALLS][{"name": "a", "arguments": {}}] I will look it up.')
    assert pairs(found) == [("a", "{}")]
    assert found.complete
    assert found.tail == " I will look it up."


@pytest.mark.parametrize(
    ("spelled", "arguments"),
    [
        ('{"name": "a", "arguments": "{\\"x\\": 1}"}', '"{\\"x\\": 1}"'),
        ('{"name": "a", "arguments": null}', "null"),
        ('{"name": "a"}', ""),
        ('{"arguments": {"x": "}]"}, "name": "a"}', '{"x": "}]"}'),
        ('{"name": "a", "parameters": {"x": 1}}', '{"x": 1}'),
        ('{"id": "123456789", "type": "function", "name": "a", "arguments": {}}', "{}"),
        ('{"name": "a", "arguments": {"x": [1, 2}}', '{"x": [1, 2}}'),
    ],
)
def test_a_call_is_read_however_its_object_is_laid_out(spelled: str, arguments: str) -> None:
    assert pairs(parse_call_list(f"[{spelled}]")) == [("a", arguments)]
    assert pairs(parse_call_list(spelled)) == [("a", arguments)]


def test_a_cut_list_yields_the_whole_calls_and_the_cut_one_with_what_there_is() -> None:
    found = parse_call_list('[{"name": "a", "arguments": {}}, {"name": "b", "arguments": {"x": "1')
    assert pairs(found) == [("a", "{}"), ("b", '{"x": "1')]
    assert not found.complete
    assert found.tail == ""


@pytest.mark.parametrize(
    "cut", ['[{"name": "b"', '[{"name": "b", "argu', '[{"name": "b", "arguments": ']
)
def test_a_call_cut_before_its_arguments_can_not_be_taken_for_one_without_any(cut: str) -> None:
    found = parse_call_list(cut)
    assert pairs(found) == [("b", "{")]
    assert not found.complete


def test_a_name_that_is_cut_is_no_call_and_no_tail() -> None:
    assert parse_call_list('[TOOL_CALLS][{"name": "delete_a') == CallList((), "", complete=False)


def test_the_form_of_later_tokenizers_is_understood() -> None:
    found = parse_call_list(
        '[TOOL_CALLS]get_a[ARGS]{"x": 1}[TOOL_CALLS]b[CALL_ID]aaaaaaaaa[ARGS]{"y"'
    )
    assert pairs(found) == [("get_a", '{"x": 1}'), ("b", '{"y"')]
    assert not found.complete
    assert pairs(parse_call_list('b[ARGS]{"y": 2}')) == [("b", '{"y": 2}')]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[1, 2]",
        '{"city": "Paris"}',
        "[]x"[2:],
        '[{"name": 5}]',
        "[TOOL_CALLS] is a token",
    ],
)
def test_a_text_that_is_no_call_list_is_its_own_tail(text: str) -> None:
    found = parse_call_list(text)
    assert found.calls == ()
    assert found.tail == text
    assert not found.complete


def test_an_object_that_is_no_call_ends_the_list_and_stays_in_the_tail() -> None:
    found = parse_call_list('[{"name": "a", "arguments": {}}, {"city": "Paris"}]')
    assert pairs(found) == [("a", "{}")]
    assert not found.complete
    assert found.tail == '{"city": "Paris"}]'


@pytest.mark.parametrize(
    ("size", "hostile"),
    [
        (100_000, lambda n: '{"a":' * n),
        (100_000, lambda n: "[" * n),
        (100_000, lambda n: '[{"name": "a", "arguments": ' + "[" * n),
        (
            100_000,
            lambda n: '[{"name": "a", "arguments": ' + '{"a":' * n + "1" + "}" * n + "}]",
        ),
        (100_001, lambda n: '[{"name": "a", "arguments": "' + "\\" * n),
        (1_000_000, lambda n: '[{"name": "' + "a" * n),
        (1_000_000, lambda n: '[{"name": "a", "arguments": ' + "9" * n + "}]"),
        (50_000, lambda n: "[TOOL_CALLS]" * n),
        (50_000, lambda n: '[{"name": "a"},' * n),
        (1_000_000, lambda n: " " * n + "["),
    ],
    ids=range(10),
)
def test_hostile_text_is_read_in_linear_time_and_without_recursion(
    size: int, hostile: Callable[[int], str]
) -> None:
    assert_linear(hostile, parse_call_list, size)
    assert_linear(hostile, looks_like_call_list, size)


def test_lone_surrogates_do_not_end_the_run() -> None:
    found = parse_call_list('[{"name": "a\\ud800", "arguments": {"x": "\ud800"}}]')
    assert pairs(found) == [("a?", '{"x": "?"}')]


@pytest.mark.parametrize(
    ("prefix", "verdict"),
    [
        ("", None),
        ("\n ", None),
        ("[", None),
        ("[TOOL_CALL", None),
        ("[TOOL_CALLS]", None),
        ('[TOOL_CALLS][{"na', None),
        ('[TOOL_CALLS][{"name": "a", "arguments": {', True),
        ("[TOOL_CALLS]get_a", None),
        ("[TOOL_CALLS]get_a[ARGS]", True),
        ("[TOOL_CALLS] is, I think, a token", False),
        ('[{"name": "a"', None),
        ('[{"name": "a", "arguments": {', True),
        ('{"name": "a", "parameters": {', True),
        ('{"arguments": {}, "name": "a"}', True),
        ('[{"name": "a"}', True),
        ('[{"name": "Bob", "age"', None),
        ('[{"name": "Bob", "age": 3', False),
        ('{"name": "Bob"}', False),
        ('{"name": 5', False),
        ("Hello", False),
        ("[1", False),
        ("[a link](https://example.org)", False),
    ],
)
def test_a_leaked_call_is_told_from_an_answer_as_early_as_it_can_be(
    prefix: str, verdict: bool | None
) -> None:
    assert looks_like_call_list(prefix) is verdict


def test_ids_are_nine_alphanumerics_and_differ() -> None:
    ids = {new_call_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", made) for made in ids)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
call_lists = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8"), max_size=12), json_values),
    min_size=1,
    max_size=4,
)
unhurried = settings(deadline=None)
"""What takes long is tested above; a busy machine is no failure."""

PIECES = (
    *("[TOOL_CALLS]", "[", "]", "{", "}", ",", ":", " ", '"', "\\", '"name"', '"arguments"'),
    *('"a"', "[ARGS]", "ab", "1", "null", "\n", '{"name": "a", "arguments": {}}', "é", "\ud800"),
)
fragments = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)


def spell(calls: Sequence[tuple[str, object]], *, ascii_only: bool) -> str:
    listed = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return json.dumps(listed, ensure_ascii=ascii_only)


@unhurried
@given(call_lists, st.booleans())
def test_every_list_that_json_can_spell_is_read_back(
    calls: list[tuple[str, object]], ascii_only: bool
) -> None:
    text = spell(calls, ascii_only=ascii_only)
    found = parse_call_list(text)
    assert found.complete
    assert found.tail == ""
    assert pairs(found) == [
        (name, json.dumps(arguments, ensure_ascii=ascii_only)) for name, arguments in calls
    ]


@unhurried
@given(call_lists)
def test_reading_is_idempotent_over_its_own_spelling(calls: list[tuple[str, object]]) -> None:
    once = parse_call_list(spell(calls, ascii_only=False))
    again = "[" + ", ".join(
        f'{{"name": {json.dumps(name)}, "arguments": {arguments}}}'
        for name, arguments in pairs(once)
    )
    assert pairs(parse_call_list(again + "]")) == pairs(once)


@unhurried
@given(fragments)
@example('[{"name": "a", "arguments": 1 2}]')
@example('{"name":"a" "b"')
def test_no_text_makes_the_reader_raise_or_lose_what_it_did_not_read(text: str) -> None:
    found = parse_call_list(text)
    plain = text.encode("utf-8", "replace").decode("utf-8")
    assert plain.endswith(found.tail)
    if not found.calls and not found.complete:
        assert found.tail in {"", plain}


@unhurried
@given(fragments | call_lists.map(lambda calls: spell(calls, ascii_only=True)), st.data())
def test_a_longer_prefix_only_adds_to_what_was_read(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    before, after = parse_call_list(text[:cut]), parse_call_list(text)
    names_before = [name for name, _ in pairs(before)]
    assert [name for name, _ in pairs(after)][: len(names_before)] == names_before
    settled = pairs(before) if before.complete else pairs(before)[:-1]
    assert pairs(after)[: len(settled)] == settled
    verdict = looks_like_call_list(text[:cut])
    if verdict is not None:
        assert looks_like_call_list(text) is verdict


@unhurried
@given(fragments | call_lists.map(lambda calls: spell(calls, ascii_only=True)))
def test_what_is_surely_a_call_list_reads_as_one(text: str) -> None:
    if looks_like_call_list(text) is True:
        assert parse_call_list(text).calls
