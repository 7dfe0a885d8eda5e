"""BFCL's truth through the whole gateway, in short: nothing is lost on the way, faults are told apart.

The whole of it: `python -m bench.bfcl_mechanics`, docs/bfcl.md.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from bench import bfcl
from bench.bfcl_judge import Made, Truth, is_right, strays
from bench.bfcl_mechanics import cases, play, script, share
from bench.bfcl_noise import KINDS, PROFILE, Row, spoilt, written

TRUTH: list[Truth] = [("f", {"a": [1], "b": ["", "x"]}), ("g", {"c": [{"d": ["New York", "NY"]}]})]
F: Made = ("f", {"a": 1})
G: Made = ("g", {"c": {"d": "new york"}})
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "s": {"type": "string"}},
    "required": ["n", "s"],
}
ROW = Row("row", {"do_it": SCHEMA, "other": SCHEMA}, (("do_it", {"n": 5, "s": "x"}),))


@pytest.fixture(scope="module")
def _data() -> None:
    try:
        bfcl.wheel()
    except bfcl.Unavailable as error:
        pytest.skip(f"NOT RUN: {error}")


@pytest.mark.parametrize(
    ("made", "right", "stray"),
    [
        ([F, G], True, 0),
        ([G, ("f", {"a": 1, "b": "X."})], True, 0),
        ([F], False, 0),
        ([F, F], False, 1),
        ([F, G, G], False, 1),
        ([("f", {"a": 2}), G], False, 1),
        ([("f", {"a": True}), G], False, 1),
        ([("f", {"a": 1, "z": 0}), G], False, 1),
        ([("f", {"b": "x"}), G], False, 1),
        ([("h", {"a": 1}), G], False, 1),
    ],
)
def test_the_judge_takes_what_the_row_accepts_and_nothing_else(
    made: list[Made], stray: int, *, right: bool
) -> None:
    assert (is_right(made, TRUTH), strays(made, TRUTH)) == (right, stray)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_changes_the_answer_and_always_in_the_same_way(kind: str) -> None:
    made = KINDS[kind](ROW, random.Random(1))
    assert made is not None
    assert made != written(ROW)
    assert made == KINDS[kind](ROW, random.Random(1))


def test_rows_are_spoilt_as_often_as_the_profile_says() -> None:
    rows = [Row(f"row_{n}", ROW.schemas, ROW.right) for n in range(2_000)]
    right = sum(not spoilt(row, PROFILE["live"])[0] for row in rows)
    assert abs(right / 2_000 - PROFILE["live"]) < 0.03


def test_shares_have_their_interval() -> None:
    assert share(84, 100) == "84.0 (75.6–89.9)"
    assert share(0, 0) == "–"


@pytest.mark.usefixtures("_data")
async def test_truth_keeps_its_score_behind_the_gateway() -> None:
    came = await play(cases("tuning", limit=4))
    assert [each.case.asked.id for each in came if not (each.raw and each.right)] == []
    assert not any(each.wrong_call for each in came)


@pytest.mark.usefixtures("_data")
async def test_no_fault_of_form_is_handed_out_and_an_oracle_mends_it() -> None:
    """What only meaning could tell (another value, a call too many) goes through: nobody doubts it."""
    seen: dict[str, Any] = {}
    for each in cases("tuning", limit=40):
        fault = script(each, noise=True, mends=0.0)[0]
        if fault and fault not in seen:
            seen[fault] = each
    came = {e.fault: e for e in await play(list(seen.values()), noise=True, expert=True)}
    assert came.keys() >= {"misspelt name", "missing required", "malformed JSON", "number as text"}
    for fault in came.keys() & {
        "misspelt name",
        "missing required",
        "words for a number",
        "malformed JSON",
        "cut arguments",
    }:
        assert came[fault].right, fault
        assert came[fault].lent, fault
        assert not came[fault].wrong_call, fault
    mended = came["number as text"]
    assert mended.right
    assert not mended.lent
    assert came["invented call"].wrong_call
