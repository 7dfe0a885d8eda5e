"""Calls in V11's and V13's spelling: whole, cut anywhere, leaked, and text that only begins alike."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.leak_gate import LeakGate
from routing.native import CallList, looks_like_call_list, parse_call_list
from tests.growth import assert_linear

V11 = (
    '[TOOL_CALLS]get_weather[CALL_ID]abcdefghi[ARGS]{"city": "Łódź", "note": "[ARGS] }"}'
    '[TOOL_CALLS]math.add[CALL_ID]bbbbbbbbb[ARGS]{"a": [1, {"天": "气"}]}'
)
V13 = '[TOOL_CALLS]get_weather[ARGS]{"city": "Łódź"}[TOOL_CALLS]now[ARGS]{}'
SKIPPED = '[TOOL_CALLS]get_weather{"city": "Łódź"}'
LEAKS = (V11, V13, SKIPPED)


def pairs(found: CallList) -> list[tuple[str, str]]:
    return [(call.function.name, call.function.arguments) for call in found.calls]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        (
            V11,
            [
                ("get_weather", '{"city": "Łódź", "note": "[ARGS] }"}'),
                ("math.add", '{"a": [1, {"天": "气"}]}'),
            ],
        ),
        (V13, [("get_weather", '{"city": "Łódź"}'), ("now", "{}")]),
        (SKIPPED, [("get_weather", '{"city": "Łódź"}')]),
    ],
)
def test_each_spelling_is_read_with_fresh_ids_and_exact_arguments(
    text: str, calls: list[tuple[str, str]]
) -> None:
    found = parse_call_list(text)
    assert pairs(found) == calls
    assert found.complete
    assert found.tail == ""
    assert len({call.id for call in found.calls} | {"abcdefghi"}) == len(calls) + 1


@pytest.mark.parametrize("text", LEAKS)
def test_cut_at_any_byte_only_whole_calls_are_whole(text: str) -> None:
    whole = parse_call_list(text)
    raw = text.encode()
    for cut in range(len(raw)):
        before = codecs.getincrementaldecoder("utf-8")().decode(raw[:cut])
        found = parse_call_list(before)
        assert [name for name, _ in pairs(found)] == [n for n, _ in pairs(whole)][
            : len(found.calls)
        ]
        for (_, arguments), (_, all_of_it) in zip(pairs(found), pairs(whole), strict=False):
            is_whole = arguments == all_of_it
            assert is_whole or not _is_json(arguments), "a cut call can't be taken for a whole one"
        if found.complete:
            assert pairs(found) == pairs(whole)[: len(found.calls)]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "cut",
    [
        "[TOOL_CALLS]delete_a",
        "[TOOL_CALLS]delete_all[",
        "[TOOL_CALLS]delete_all[CALL_I",
        "[TOOL_CALLS]delete_all[CALL_ID]abc",
        "[TOOL_CALLS]delete_all[CALL_ID]abcdefghi[AR",
    ],
)
def test_a_call_cut_before_its_arguments_is_no_call_and_no_tail(cut: str) -> None:
    assert parse_call_list(cut) == CallList((), "", complete=False)
    assert looks_like_call_list(cut) is None
    found = parse_call_list('[TOOL_CALLS]now[ARGS]{"x": 1}' + cut)
    assert pairs(found) == [("now", '{"x": 1}')]
    assert not found.complete


def test_arguments_that_did_not_begin_are_visibly_cut() -> None:
    assert pairs(parse_call_list("[TOOL_CALLS]now[ARGS]")) == [("now", "{")]


@pytest.mark.parametrize(
    "text",
    [
        "[TOOL_CALLS] is a token",
        "[TOOL_CALLS]now[INST]",
        "now{x}",
        "now[1]",
        "[TOOL_CALLS]a,b[ARGS]",
    ],
)
def test_text_that_only_begins_alike_is_text(text: str) -> None:
    assert parse_call_list(text) == CallList((), text, complete=False)
    assert looks_like_call_list(text) is False


@pytest.mark.parametrize("text", LEAKS)
@given(data=st.data())
@settings(deadline=None)
def test_a_leak_never_becomes_visible_however_its_bytes_are_cut(
    text: str, data: st.DataObject
) -> None:
    raw = text.encode()
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1))))
    decoder = codecs.getincrementaldecoder("utf-8")()
    gate = LeakGate()
    for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        assert gate.feed(decoder.decode(raw[begin:end])) == ""
    assert gate.finish() == ("", text)


@pytest.mark.parametrize(
    ("size", "hostile"),
    [
        (1_000_000, lambda n: "[TOOL_CALLS]" + "a" * n),
        (1_000_000, lambda n: "[TOOL_CALLS]a" + " " * n),
        (1_000_000, lambda n: "[TOOL_CALLS]a[CALL_ID]" + "a" * n),
        (50_000, lambda n: "[TOOL_CALLS]a[ARGS]" * n),
        (20_000, lambda n: "[TOOL_CALLS]a[ARGS]{}" * n),
        (50_000, lambda n: "[TOOL_CALLS]a{" * n),
    ],
    ids=range(6),
)
def test_hostile_text_is_read_in_linear_time(size: int, hostile: Callable[[int], str]) -> None:
    assert_linear(hostile, parse_call_list, size)
    assert_linear(hostile, looks_like_call_list, size)
