"""Probabilities that mean what they say, thresholds that keep what they promise, files that are ours."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routing.calibration import LEND_ALL, POOLED, Calibration, CalibrationError, ScoreMap
from routing.calibration_fit import LEAST, Decision, TooThin, fit, isotonic, logistic
from routing.confidence import CallEvidence
from routing.risk import (
    Outcome,
    auroc,
    brier,
    controlled_threshold,
    ece,
    groups_in,
    groups_needed,
    risk_coverage,
)

TARGETS = {"read": 0.05, "write": 0.05, "destroy": 0.05}


def decisions(n: int, seed: int = 1, tool: str = "pay", effect: str = "write") -> list[Decision]:
    """Calls whose margin says, noisily, whether they are right."""
    rng = Random(seed)
    made: list[Decision] = []
    for index in range(n):
        margin = rng.uniform(-2, 8)
        right = rng.random() < 1 / (1 + 2.718 ** -(margin - 1))
        evidence = CallEvidence(
            tool, effect, name_margin=margin, call_margin=9.0, name_logprob=-0.1, value_min=-0.5
        )
        made.append(Decision(evidence, right, f"{seed}-{index}"))
    return made


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return fit("small", decisions(2_000), TARGETS)


def test_probabilities_rise_with_what_speaks_for_a_call_and_are_as_often_right_as_they_say(
    fitted: Calibration,
) -> None:
    fresh = decisions(2_000, seed=2)
    told = [Outcome(fitted.probability(d.evidence) or 0.0, d.right) for d in fresh]
    assert ece(told) < 0.05
    assert auroc(told) > 0.8
    sure, unsure = (replace(fresh[0].evidence, name_margin=margin) for margin in (7.0, 0.0))
    assert (fitted.probability(sure) or 0) > (fitted.probability(unsure) or 0) + 0.3


def test_wrong_calls_stay_under_the_target_on_the_average_over_many_calibrations() -> None:
    shares: list[float] = []
    for seed in range(6):
        made = fit("small", decisions(600, seed=100 + seed), TARGETS)
        fresh = decisions(1_000, seed=500 + seed)
        wrong = sum(
            not d.right and (made.probability(d.evidence) or 0) >= made.threshold("write")
            for d in fresh
        )
        shares.append(wrong / len(fresh))
    assert sum(shares) / len(shares) <= 0.05
    assert max(shares) > 0, "a threshold that lends everything proves nothing"


def test_a_stricter_target_never_makes_more_calls() -> None:
    data = decisions(2_000)
    strict = fit("small", data, {"write": 0.01}).threshold("write")
    assert strict >= fit("small", data, {"write": 0.1}).threshold("write")


def test_what_was_not_measured_is_given_no_probability(fitted: Calibration) -> None:
    assert fitted.probability(CallEvidence("pay", "write")) is None
    bare = [replace(d, evidence=replace(d.evidence, name_logprob=None)) for d in decisions(400)]
    assert fit("small", bare, TARGETS).probability(CallEvidence("pay", "write")) is not None


def test_a_tool_with_data_of_its_own_has_a_map_of_its_own() -> None:
    data = decisions(800, tool="pay") + decisions(40, seed=3, tool="rare")
    assert set(fit("small", data, TARGETS).maps) == {POOLED, "pay"}


def test_an_effect_without_a_threshold_is_always_lent(fitted: Calibration) -> None:
    assert fit("small", decisions(600), {"read": 0.05}).threshold("destroy") == LEND_ALL
    assert fitted.threshold("write") <= 1


@pytest.mark.parametrize(
    ("data", "target", "why"),
    [
        (decisions(LEAST - 1), 0.05, "are needed"),
        ([replace(d, right=True) for d in decisions(400)], 0.05, "wrong decisions"),
        ([replace(d, right=False) for d in decisions(400)], 0.05, "right decisions"),
        (decisions(400), 0.001, "a guarantee of 0.10%"),
    ],
)
def test_data_that_is_too_thin_is_refused(data: list[Decision], target: float, why: str) -> None:
    with pytest.raises(TooThin, match=why):
        fit("small", data, {"write": target})


def test_a_file_says_what_was_fitted(fitted: Calibration, tmp_path: Path) -> None:
    fitted.write(tmp_path / "c.json")
    assert Calibration.read(tmp_path / "c.json").thresholds == fitted.thresholds
    again = Calibration.read(tmp_path / "c.json")
    for each in decisions(50, seed=9):
        assert again.probability(each.evidence) == fitted.probability(each.evidence)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": 2}, "format 2"),
        ({"maps": {}}, "no pooled map"),
        ({"maps": {"*": {"scores": [1, 0], "probabilities": [0, 1]}}}, "falls"),
        ({"score": None}, "no calibration"),
        ({"thresholds": {"read": "x"}}, "no calibration"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    fitted: Calibration, tmp_path: Path, change: dict[str, object], why: str
) -> None:
    file = tmp_path / "c.json"
    fitted.write(file)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(CalibrationError, match=why):
        Calibration.read(file)
    with pytest.raises(CalibrationError, match="can't be read"):
        Calibration.read(tmp_path / "none.json")


_POINTS = st.lists(st.tuples(st.floats(-50, 50), st.booleans()), min_size=1, max_size=80)


@given(_POINTS)
@example([(0.0, False), (0.0, False), (4.0, False), (-5.0, False)])  # flat, but for its rounding
@example([(31.0, True), (32.0, False)])  # falling, far from nought
def test_maps_never_fall_and_never_say_certain(points: list[tuple[float, bool]]) -> None:
    for made in (isotonic(points), logistic(points)):
        told = [made(score / 2) for score in range(-120, 121)]
        assert told == sorted(told)
        assert 0 < told[0] <= told[-1] < 1


def test_scores_that_say_the_contrary_tell_the_share_that_was_right() -> None:
    points = [(31.0, True), (32.0, False), (33.0, False), (31.5, True), (30.0, True)]
    made = logistic(points)
    assert made(30.0) == made(40.0)
    assert 0.5 < made(31.0) < 0.6


def test_a_map_is_straight_between_its_points_and_flat_outside() -> None:
    line = ScoreMap((0.0, 2.0), (0.2, 0.8))
    assert [line(-5), line(0), line(1), line(9)] == pytest.approx([0.2, 0.2, 0.5, 0.8])


_OUTCOMES = st.lists(
    st.builds(Outcome, st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9]), st.booleans()), max_size=60
)


@given(_OUTCOMES, st.sampled_from([0.02, 0.1, 0.3]))
def test_the_threshold_is_the_smallest_one_that_keeps_the_promise(
    outcomes: list[Outcome], target: float
) -> None:
    n = len(outcomes)

    def bound(threshold: float) -> float:
        return (sum(o.probability >= threshold and not o.right for o in outcomes) + 1) / (n + 1)

    chosen = controlled_threshold(outcomes, target)
    if chosen <= 1:
        assert bound(chosen) <= target
    lower = [o.probability for o in outcomes if o.probability < chosen]
    assert all(bound(each) > target for each in lower)


@given(_OUTCOMES)
def test_risk_and_coverage_never_fall_and_measures_stay_in_bounds(outcomes: list[Outcome]) -> None:
    points = risk_coverage(outcomes)
    assert [p.coverage for p in points] == sorted(p.coverage for p in points)
    assert [p.risk for p in points] == sorted(p.risk for p in points)
    assert all(0 <= measure(outcomes) <= 1 for measure in (auroc, ece, brier))


def test_auroc_counts_pairs_and_ties_by_half() -> None:
    told = [Outcome(0.9, right=True), Outcome(0.5, right=True), Outcome(0.5, right=False)]
    assert auroc(told) == 0.75
    assert auroc(told[:2]) == 0.5


def test_decisions_that_go_wrong_together_are_one_observation() -> None:
    def outcomes(size: int) -> list[Outcome]:
        return [
            Outcome(0.9, group % 10 > 0, str(group)) for group in range(50) for _ in range(size)
        ]

    assert controlled_threshold(outcomes(1), 0.11) == LEND_ALL
    assert controlled_threshold(outcomes(20), 0.11) == LEND_ALL, "repetition is no evidence"
    alone = [replace(each, group="") for each in outcomes(20)]
    assert controlled_threshold(alone, 0.11) == 0.9
    assert (groups_in(outcomes(20)), groups_in(alone)) == (50, 1_000)


def test_a_guarantee_needs_as_many_decisions_as_it_is_strict() -> None:
    assert [groups_needed(target) for target in (0.5, 0.02, 0.01)] == [1, 49, 99]
    assert [groups_needed(0.05, confidence) for confidence in (0.5, 0.9, 0.99)] == [14, 45, 90]
    right = [Outcome(0.9, right=True) for _ in range(45)]
    assert controlled_threshold(right, 0.05, 0.9) == 0.9
    assert controlled_threshold(right[1:], 0.05, 0.9) == LEND_ALL


def test_a_target_is_kept_by_so_many_calibrations_as_the_confidence_says() -> None:
    rng, above = Random(4), Counter[float | None]()
    for _ in range(200):
        told = [Outcome(p, rng.random() < p) for p in (rng.random() for _ in range(300))]
        for confidence in (None, 0.5, 0.9):
            chosen = controlled_threshold(told, 0.05, confidence)
            # Of all decisions: those above the threshold are made, and wrong with 1 - p.
            risk = max(1 - chosen, 0) ** 2 / 2
            above[confidence] += risk > 0.05
    assert above[0.9] <= 0.1 * 200
    assert above[0.5] <= 0.5 * 200
    assert above[None] > 0.25 * 200, "on average alone"


@given(_OUTCOMES, st.floats(0.02, 0.4), st.floats(0.5, 0.99), st.floats(0.5, 0.99))
def test_more_confidence_never_lends_less(
    outcomes: list[Outcome], target: float, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert controlled_threshold(outcomes, target, low) <= controlled_threshold(
        outcomes, target, high
    )
