"""An answer that only repeats itself is held back; every other one passes at once, and whole."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routing.repetition import LONGEST_PIECE, STEP, SUSPECT, RepetitionGate

MOST = 1_000
PROSE = "The wine we liked at Luca's was a Barbera, and the other one a Dolcetto from Alba. "


def through(pieces: list[str], *, cut: bool = False, most: int = MOST) -> tuple[str, bool]:
    gate = RepetitionGate(most)
    visible = ""
    for piece in pieces:
        visible += gate.feed(piece)
        if gate.endless:
            return visible, True
    visible += gate.finish(cut=cut)
    return visible, gate.endless


def pieces_of(text: str, sizes: list[int]) -> list[str]:
    found, at, turn = list[str](), 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        found.append(text[at : at + size])
        at, turn = at + size, turn + 1
    return found


def varied(length: int, seed: int = 0) -> str:
    rng = random.Random(seed)
    return "".join(rng.choice("abcdefghijklmnop \n中文字") for _ in range(length))


@pytest.mark.parametrize(
    "piece", ["a", "Fi", " was a Barbera's", "。好的", PROSE, varied(300), varied(LONGEST_PIECE)]
)
def test_an_answer_without_an_end_is_stopped_and_little_of_it_shown(piece: str) -> None:
    text = PROSE + piece * (60_000 // len(piece))
    visible, endless = through([text])
    assert endless
    assert visible.startswith(PROSE)
    assert len(visible) <= len(PROSE) + max(SUSPECT, 5 * len(piece)) + STEP
    assert text.startswith(visible)


def test_a_loop_that_its_text_falls_into_late_is_found_too() -> None:
    before = varied(5_000)
    visible, endless = through([before + "and so on, " * 500])
    assert endless
    assert visible.startswith(before)


def test_a_piece_that_repeats_a_part_of_itself_is_found_too() -> None:
    half = varied(40, 1)
    piece = varied(STEP - 80, 2) + half + half  # each look finds the half first
    assert through([piece * 400])[1]


def test_pieces_longer_than_the_longest_are_not_taken_for_a_loop() -> None:
    text = varied(LONGEST_PIECE + 1) * 20
    assert through([text]) == (text, False)


def test_fewer_than_sixteen_copies_are_no_loop_however_long_they_are() -> None:
    text = varied(900) * 15
    assert through([text]) == (text, False)


@pytest.mark.parametrize(
    "text",
    [
        "|" + "---|" * 20 + "\n" + "| 0 " * 60 + "|\nDone.",
        "0, " * 100 + "1",
        "ha" * 400,
        "\n".join(f"| {n} | 0 | 0 | 0 |" for n in range(500)),
        "=" * 900 + "\nThe end.",
        "=" * 900 + varied(5_000),
    ],
)
def test_what_repeats_itself_for_a_while_and_goes_on_comes_whole(text: str) -> None:
    assert through(list(text)) == (text, False)


def test_repetition_that_its_answer_ends_in_comes_late_but_comes() -> None:
    gate = RepetitionGate(MOST)
    text = "ha" * 400
    early = "".join(gate.feed(each) for each in text)
    assert len(early) < len(text)
    assert early + gate.finish() == text


def test_a_cut_within_a_repetition_leaves_out_what_was_held_back() -> None:
    text = PROSE + "no " * 250
    visible, endless = through([text], cut=True)
    assert endless
    assert len(visible) < len(PROSE) + SUSPECT + 2 * STEP
    assert through([text]) == (text, False)


def test_a_cut_soon_after_a_repetition_began_leaves_nothing_out() -> None:
    text = varied(3 * STEP) + "no " * 130
    assert through([text], cut=True) == (text, False)


def test_a_cut_after_a_repetition_has_ended_leaves_nothing_out() -> None:
    text = "no " * 300 + "but then, in the middle of a"
    assert through([text], cut=True) == (text, False)


def test_prose_is_visible_at_its_first_character() -> None:
    gate = RepetitionGate(MOST)
    for character in varied(3_000):
        assert gate.feed(character) == character
    assert gate.finish(cut=True) == ""


LOOPS = st.builds(
    lambda before, piece, times, after: before + piece * times + after,
    st.text("ab c\n中", max_size=400),
    st.text("abc 中", min_size=1, max_size=40),
    st.integers(0, 400),
    st.text("ab", max_size=300),
)


@given(text=LOOPS, sizes=st.lists(st.integers(1, 700), min_size=1, max_size=8), cut=st.booleans())
@example(text="a" * (3 * STEP), sizes=[STEP], cut=True)
def test_however_the_text_is_cut_on_its_way_the_same_comes_out(
    text: str, sizes: list[int], cut: bool
) -> None:
    whole = through([text], cut=cut)
    assert through(pieces_of(text, sizes), cut=cut) == whole
    visible, endless = whole
    assert text.startswith(visible)
    assert endless or visible == text
