"""Text that may be a call is held back until it shows what it is; everything else passes at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.leak_gate import MAX_HELD, LeakGate
from routing.native import parse_call_list

LEAKS = [
    '[TOOL_CALLS][{"name": "a", "arguments": {"x": 1}}]',
    '[{"name": "a", "arguments": {"x": 1}}]',
    '[{"name": "a", "arguments": {"x": "cut in the mid',
    ' \n[{"arguments": {}, "name": "a"}] and more',
]
ANSWERS = [
    "Hello.",
    "[1, 2, 3]",
    "[a link](https://example.org)",
    '[{"name": "Bob", "age": 3}]',
    'The call is [{"name": "a", "arguments": {}}].',
    '{"city": "Paris"}',
]


def through(pieces: list[str]) -> tuple[str, str]:
    gate = LeakGate()
    visible = "".join(gate.feed(piece) for piece in pieces)
    rest, leaked = gate.finish()
    assert not (rest and leaked)
    return visible + rest, leaked


@pytest.mark.parametrize("leak", LEAKS)
@given(data=st.data())
def test_a_leaked_call_list_never_becomes_visible_however_it_is_cut(
    leak: str, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(leak) - 1))))
    pieces = [leak[a:b] for a, b in zip([0, *cuts], [*cuts, len(leak)], strict=True)]
    visible, leaked = through(pieces)
    assert (visible, leaked) == ("", leak)
    assert parse_call_list(leaked).calls


@pytest.mark.parametrize("answer", ANSWERS)
@given(data=st.data())
def test_an_answer_comes_through_whole_however_it_is_cut(answer: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(answer) - 1))))
    pieces = [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    assert through(pieces) == (answer, "")


def test_prose_is_visible_at_its_first_piece() -> None:
    gate = LeakGate()
    assert gate.feed("Th") == "Th"
    assert gate.feed('en [{"name": "a"') == 'en [{"name": "a"'


def test_what_never_showed_what_it_is_is_handed_back_for_parsing() -> None:
    assert through(["["]) == ("", "[")
    assert through(["  "]) == ("  ", "")
    assert through([]) == ("", "")


def test_a_list_that_never_gets_to_the_point_stays_hidden_and_is_not_judged_for_ever() -> None:
    gate = LeakGate()
    assert gate.feed('[{"name": "') == ""
    assert {gate.feed("x" * 1000) for _ in range(200)} == {""}
    visible, leaked = gate.finish()
    assert visible == ""
    assert len(leaked) > MAX_HELD
