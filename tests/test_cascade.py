"""The cascade's figures mean what they say; its requests are ones that can be answered."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from random import Random

import pytest
from jsonschema import Draft202012Validator

from bench.cascade_curves import (
    Case,
    area_share,
    cost_usd,
    estimate,
    quality,
    quality_curve,
    random_quality,
    wrong_made,
)
from bench.cascade_curves import calibrated as by_probability
from bench.cascade_plot import plot
from bench.cascade_requests import builtin_tools, calibrates, requests, unseen_tools
from bench.cascade_run import Decided, read_line
from bench.cascade_splits import Splits, splits
from routing.calibration import Calibration
from routing.confidence import CallEvidence


def cases(knows: float, n: int = 400) -> list[Case]:
    """`knows` is how far the probability tells right from wrong: 1 all of it, 0 nothing."""
    rng = Random(5)
    found: list[Case] = []
    for index in range(n):
        right = rng.random() < 0.6
        probability = knows * right + (1 - knows) * rng.random()
        found.append(Case(str(index // 4), probability, right, probability < 0.5, 0.1, 1.0))
    return found


def test_perfect_knowledge_wins_the_whole_area_and_none_wins_nothing() -> None:
    assert area_share(cases(1.0)) == pytest.approx(1.0)
    assert abs(area_share(cases(0.0))) < 0.15
    assert 0.3 < area_share(cases(0.4)) < 1.0


def test_lending_everything_is_always_right_and_lending_nothing_is_the_small_model() -> None:
    qualities = quality_curve(cases(0.4), by_probability)
    assert qualities[-1] == 1.0
    assert qualities == sorted(qualities)
    assert qualities[0] == sum(case.right for case in cases(0.4)) / 400


def test_what_is_lent_is_paid_for_twice_and_never_wrong() -> None:
    made = Case("0", 0.9, right=False, lent=False, small_usd=0.1, large_usd=1.0)
    one = [replace(made, group="1", lent=True), made]
    assert (wrong_made(one), quality(one), random_quality(one)) == (0.5, 0.5, 0.5)
    assert cost_usd(one) == pytest.approx((1.1 + 0.1) / 2)


def test_an_interval_holds_its_figure_and_is_wider_for_groups_that_agree() -> None:
    alike = [
        Case(str(i // 20), 0.5, (i // 20) % 2 == 0, lent=False, small_usd=0, large_usd=0)
        for i in range(400)
    ]
    alone = [replace(case, group=str(i)) for i, case in enumerate(alike)]
    wide, narrow = estimate(alike, wrong_made), estimate(alone, wrong_made)
    assert wide.low <= wide.value <= wide.high
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_requests_are_the_same_every_time_and_the_truth_satisfies_its_tool() -> None:
    made = requests()
    assert made == requests()
    assert len({each.text for each in made}) == len(made) == 1122
    for each in made:
        assert 4 <= len({tool.name for tool in each.tools}) == len(each.tools) <= 6
        if each.truth is not None:
            [tool] = [tool for tool in each.tools if tool.name == each.truth["name"]]
            Draft202012Validator(dict(tool.parameters)).validate(each.truth["arguments"])


def test_every_tool_is_asked_for_in_many_phrasings_and_some_requests_need_none() -> None:
    groups: dict[str, set[str]] = defaultdict(set)
    for each in requests():
        groups[each.truth["name"] if each.truth else ""].add(each.group)
    assert len(groups.pop("")) == 60
    assert set(groups) == {tool.name for tool in (*builtin_tools(), *unseen_tools())}
    assert min(map(len, groups.values())) >= 10


def test_a_free_text_in_a_call_was_said_in_its_request() -> None:
    for each in requests():
        if each.truth is not None and each.truth["name"] != "calculate":
            [tool] = [tool for tool in each.tools if tool.name == each.truth["name"]]
            for name, value in each.truth["arguments"].items():
                if isinstance(value, str) and "enum" not in tool.parameters["properties"][name]:
                    assert value in each.text


def test_about_half_of_the_phrasings_calibrate() -> None:
    groups = {each.group for each in requests()}
    assert 0.4 < sum(map(calibrates, groups)) / len(groups) < 0.6


def test_a_record_is_read_as_it_was_written() -> None:
    evidence = CallEvidence("pay", name_margin=1.5, ungrounded=("$.x",))
    call = {"name": "pay", "arguments": {"x": 1}}
    decided = Decided("unseen", "1", "Pay.", call, (call,), (evidence,), 10, 5)
    assert read_line(json.loads(decided.line())) == decided
    assert decided.right
    assert not replace(decided, truth=None).right  # no tool was needed
    [decision] = decided.decisions()
    assert (decision.right, decision.group) == (True, "1")


def test_the_target_is_kept_on_the_average_of_many_splits_and_not_on_each() -> None:
    rng, decided = Random(8), list[Decided]()
    for group in range(120):
        for _ in range(4):
            right = rng.random() < 0.6
            evidence = CallEvidence("pay", name_margin=rng.gauss(3.0 if right else 1.0, 1.0))
            call = {"name": "pay", "arguments": {"x": 1}}
            truth = call if right else {"name": "keep", "arguments": {}}
            decided.append(
                Decided("unseen", str(group), "Pay.", truth, (call,), (evidence,), 10, 5)
            )
    told: list[int] = []

    def made(rest: list[Decided], calibration: Calibration) -> list[Case]:
        told.append(len({each.group for each in rest}))
        sure = [calibration.probability(each.evidence[0]) or 0.0 for each in rest]
        least = calibration.threshold("write")
        return [
            Case(each.group, p, each.right, p < least, 0.1, 1.0)
            for each, p in zip(rest, sure, strict=True)
        ]

    found = splits(decided, made, {"read": 0.1, "write": 0.1, "destroy": 0.05}, number=12)
    sure = splits(decided, made, {"read": 0.1, "write": 0.1}, 0.8, number=12)
    assert all(more > less for more, less in zip(sure.lent, found.lent, strict=True))
    assert told == [60] * 24
    assert len(set(found.wrong)) > 6
    assert sum(found.wrong) / 12 <= 0.1
    assert min(found.areas) > 0.3
    assert 0.2 < min(found.lent) < max(found.lent) < 1
    line = Splits((0.02, 0.12), (0.5, 0.7), (0.3, 0.4)).told(0.05)
    assert "0.070 made and wrong on average (**not kept**), above the target in 1" in line
    assert "0.120 at most; 0.350 lent; area won 0.600, 0.500 at least" in line
    assert "halves, the target to be kept on average: " in line
    assert "halves, with a confidence of 0.9: " in Splits((0.1,), (0.5,), (0.3,), 0.9).told(0.05)


def test_the_plot_is_a_picture_with_three_curves() -> None:
    picture = plot(cases(0.5), "nano")
    assert picture.count("<polyline") == 3
    assert "chosen thresholds" in picture
