"""Strategies as a configuration writes them, and what those over proposed calls doubt."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.confidence import CallEvidence
from routing.escalation import Evidence
from routing.escalation_text import DEFAULT, STRATEGIES, ExpressionError, default, names_in, read

SURE = CallEvidence("pay", "write", call_margin=9.0, name_margin=9.0, name_logprob=0.0)


class Fitted:
    def __init__(self, probability: float | None) -> None:
        self._probability = probability

    def probability(self, call: CallEvidence) -> float | None:
        return self._probability

    def threshold(self, effect: str) -> float:
        return {"read": 0.5, "write": 0.8, "destroy": 0.95}[effect]


def about(*calls: CallEvidence, **more: float) -> Evidence:
    return Evidence(proposed=calls, budget_left=more.get("budget", 1.0))


def code(text: str, evidence: Evidence, fitted: Fitted | None = None) -> str | None:
    reason = read(text, fitted)(evidence)
    return None if reason is None else reason.code


def test_margins_are_of_the_tool_and_of_calling_at_all() -> None:
    assert code("low_margin(1)", about(SURE)) is None
    assert code("low_margin(1)", about(CallEvidence("a", name_margin=0.5))) == "low_margin"
    assert code("low_margin(1)", about(CallEvidence("a", call_margin=0.5))) == "low_margin"
    assert code("low_margin(10)", about(SURE)) == "low_margin"


def test_what_is_not_known_is_no_doubt_but_can_be_asked_for() -> None:
    unknown = CallEvidence("a", "destroy")
    assert code("low_margin(99) | low_value(0)", about(unknown)) is None
    assert code("unmeasured", about(unknown)) == "unmeasured"
    assert code("unmeasured", about(SURE)) is None


def test_grounding_is_asked_of_calls_that_cannot_be_undone() -> None:
    for effect, doubted in (("read", None), ("write", None), ("destroy", "ungrounded")):
        call = CallEvidence("a", effect, grounding=0.0, ungrounded=("$.id",))
        assert code("ungrounded", about(call)) == doubted
        assert code("ungrounded(0.5, effect='read')", about(call)) == "ungrounded"


def test_a_strategy_can_be_for_some_tools_and_effects_alone() -> None:
    read_call = CallEvidence("get_x", "read", name_margin=0.0)
    text = "low_margin(1, tool='pay*') | low_margin(1, effect='write')"
    assert code(text, about(read_call)) is None
    assert code(text, about(read_call, CallEvidence("pay_x", "read", name_margin=0.0)))
    assert code(text, about(CallEvidence("set_x", "write", name_margin=0.0)))


def test_a_calibrated_probability_is_held_to_the_threshold_of_its_effect() -> None:
    calls = {effect: CallEvidence("a", effect) for effect in ("read", "write", "destroy")}
    doubts = {e: code("low_probability", about(c), Fitted(0.9)) for e, c in calls.items()}
    assert doubts == {"read": None, "write": None, "destroy": "low_probability"}
    assert code("low_probability(0.95)", about(calls["read"]), Fitted(0.9)) == "low_probability"
    assert code("low_probability", about(calls["read"]), Fitted(None)) == "unmeasured"


def test_an_operators_thresholds_stand_before_the_calibrations() -> None:
    strategy = read("low_probability", Fitted(0.9), {"pay_*": 0.99, "*": 0.0})
    assert strategy(about(CallEvidence("pay_x"))) is not None
    assert strategy(about(CallEvidence("wipe", "destroy"))) is None


def test_and_binds_before_or_and_codes_are_joined() -> None:
    text = "own_wish | low_margin(10) & budget_left(0.5)"
    assert code(text, about(SURE)) == "low_margin+budget_left"
    assert code(text, about(SURE, budget=0.4)) is None
    assert code(f"({text}) & budget_left(0.9)", Evidence(wish="hard")) == "own_wish+budget_left"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "can't be read"),
        ("low_margin(", "can't be read"),
        ("lw_margin", "no strategy `lw_margin`"),
        ("low_margin('a')", "by name"),
        ("low_margin(colour=1)", "takes"),
        ("low_margin(1, 2, 3)", "low_margin"),
        ("low_margin(effect='delete')", "read, write, destroy"),
        ("low_margin or own_wish", "is no strategy"),
        ("__import__('os')", "no strategy"),
        ("own_wish.__class__", "is no strategy"),
        ("low_margin(own_wish)", "neither a number"),
        ("low_probability", "calibration"),
        ("a|" * 2000, "at most"),
    ],
)
def test_what_is_no_strategy_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(ExpressionError, match=why):
        read(text)


@given(st.text("abow_lnish|&()0.1,='\n ", max_size=60))
def test_every_text_is_a_strategy_or_an_expression_error(text: str) -> None:
    with suppress(ExpressionError):
        read(text)(Evidence())


def test_every_name_can_be_written_and_what_ships_doubts_nothing_at_first() -> None:
    for name in STRATEGIES:
        read(name, Fitted(1.0))
        assert names_in(f"{name} & own_wish") == {name, "own_wish"}
    assert DEFAULT.keys() <= STRATEGIES.keys()
    assert default()(Evidence()) is None
    assert default(Fitted(1.0))(about(SURE)) is None
    assert default(Fitted(0.0))(about(SURE)) is not None


def test_evidence_at_the_moment_of_a_decision_forgets_nothing_that_was_known() -> None:
    before = Evidence(**{field.name: f"some {field.name}" for field in fields(Evidence)})  # type: ignore[arg-type]
    told = {"proposed": (SURE,), "budget_left": 0.5, "time_left_s": 3.0}
    assert before.now((SURE,), 0.5, 3.0) == replace(before, **told)  # type: ignore[arg-type]
