"""Sums of several steps say each number that stands in their expression, once, and no other."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from models.nano import outcomes, sums
from models.nano.ask_math import PHRASES, PHRASES_ZH
from models.nano.grammar import Source, held_out
from tools.builtin.arithmetic import calculate

_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")


def _numbers(text: str) -> Counter[str]:
    return Counter(found.replace(",", "") for found in _NUMBER.findall(text))


@pytest.mark.parametrize("chinese", [False, True])
def test_a_bill_adds_up_what_it_says(chinese: bool) -> None:
    source = Source(Random(3), whole=True, odd=0.3)
    lengths: Counter[int] = Counter()
    for _ in range(1500):
        ask = sums.bill(source, chinese)
        expression = ask.call[1]["expression"]
        text = ask.text()
        assert not any(mark in text for mark in "{}[]|#"), text
        calculate(expression)
        body, _, share = expression.partition(" * (1 ")
        needed = _numbers(body)
        if share:  # (1 - p / 100)
            needed[share.split()[1]] += 1
        said = _numbers(text)
        lengths[len(needed)] += 1
        if "折" in text or needed - said:  # a tenth less in words; a share spelled in words
            assert sum((needed - said).values()) == 1, (text, expression)
        else:
            assert said == needed, (text, expression)
    assert set(range(3, 9)) <= set(lengths)


def test_an_expression_in_signs_is_the_one_that_is_calculated() -> None:
    source, operands = Source(Random(4), whole=True), Counter[int]()
    for _ in range(2000):
        shown, fills, expression = sums.written(source)
        for slot, number in fills.items():
            shown = shown.replace("{" + slot + "}", number.replace(",", ""))
        plain = re.sub(r"[x×]", "*", shown).replace("÷", "/").replace("²", "**2").replace("^", "**")
        assert plain.replace(" ", "") == expression.replace(" ", "")
        compile(expression, "expression", "eval")
        operands[len(fills)] += 1
    assert set(operands) == {2, 3, 4, 5}


@pytest.mark.parametrize(("table", "chinese"), [(PHRASES, False), (PHRASES_ZH, True)])
def test_what_is_done_with_a_value_is_done_with_all_of_it(
    table: list[tuple[str, str]], chinese: bool
) -> None:
    source, signs = Source(Random(5), whole=True), Counter[str]()
    values = sums.values_in(table)
    for _ in range(1500):
        wording, fills, expression = sums.chained(source, values, chinese)
        assert set(re.findall(r"\{(\w+)\}", wording)) <= set(fills)
        compile(expression, "expression", "eval")
        inner = re.sub(r"\([^()]*\)", "", expression)
        loose = re.findall(r" ([-+]) ", inner)
        assert len(loose) <= 1, expression  # no sum inside, so that times takes all of it
        signs.update(loose or re.findall(r" ([*/]) ", inner)[-1:])
    assert all(signs[sign] > 50 for sign in "+-*/"), signs


@pytest.mark.parametrize("dev", [False, True])
def test_the_held_out_wordings_of_sums_stay_on_their_side(dev: bool) -> None:
    source, values = Source(Random(7), dev=dev), sums.values_in(PHRASES)
    for _ in range(300):
        sums.bill(source)
        shown, _, _ = sums.chained(source, values, chinese=False)
        inside = [each for each in values if each[0] in shown]
        assert any(held_out(str(each)) == dev for each in inside), shown
    # Which half of a list is whose is remembered once a list: none of them is made anew for each request.
    assert len(source._halves) < 60  # pyright: ignore[reportPrivateUsage]


def test_notes_that_begin_alike_are_told_one_after_the_other() -> None:
    source, alike = Source(Random(6), whole=True, odd=0.3), 0
    for _ in range(400):
        notes = outcomes.notes(source, "gym", chinese=False, many=3)
        told = outcomes.sentence(
            ("search_notes", {"query": "gym"}), {"notes": notes}, chinese=False
        )
        assert [int(n) for n in re.findall(r"(?:found|;) note (\d+): ", told)] == [
            note["note_id"] for note in notes
        ]
        first, second = notes[0]["text"], notes[1]["text"]
        alike += len(first) > 8 and second.startswith(first[: len(first) // 3])
    assert alike > 60
