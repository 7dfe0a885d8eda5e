"""Texts that look alike fold alike, and offsets lead back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.folding import fold


@pytest.mark.parametrize(
    "text",
    ["secret", "SECRET", "ｓｅｃｒｅｔ", "sécrèt", "se\u0301cret", "s\u200be\u00adc\ufeffret", "𝓼𝓮𝓬𝓻𝓮𝓽",
     "ⓢⓔⓒⓡⓔⓣ", "".join(chr(0xE0000 + ord(each)) for each in "secret")],
)  # fmt: skip
def test_what_looks_alike_folds_alike(text: str) -> None:
    assert fold(text).text == "secret"


def test_half_width_kana_fold_to_the_wide_ones_and_hangul_stays_whole() -> None:
    assert fold("ｶﾞｲﾄﾞ").text == fold("ガイド").text
    assert fold("각").text == "각"


def test_offsets_lead_from_the_fold_to_the_original() -> None:
    folded = fold("ﬁ\u200bnd ß")
    assert folded.text == "find ss"
    assert (folded.start(0), folded.end(2)) == (0, 1)
    assert (folded.start(2), folded.end(3)) == (2, 3)
    assert (folded.start(5), folded.end(7)) == (5, 6)


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=80, deadline=None)
def test_folding_is_done_character_by_character(left: str, right: str) -> None:
    assert fold(left).text + fold(right).text == fold(left + right).text


@given(st.text(min_size=1, max_size=80), st.data())
@settings(max_examples=80, deadline=None)
def test_a_part_of_the_fold_comes_from_a_part_of_the_text(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    if not folded.text:
        return
    start = data.draw(st.integers(0, len(folded.text) - 1))
    end = data.draw(st.integers(start + 1, len(folded.text)))
    part = text[folded.start(start) : folded.end(end)]
    assert folded.text[start:end] in fold(part).text
