"""Fitting a `Calibration` on decisions whose outcome is known.

    half the groups   score (logistic, L2) → scores of each fifth by the other four → maps by isotonic
                      regression (pool adjacent violators), where data is thin by a logistic curve
    the other half    thresholds by risk control, and the report: nothing there was fitted

Decisions of one group (a run, a set of tools) stay on one side, so that no half knows the other. Numpy is
imported when something is fitted; loading and using a calibration needs none of it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import Any

from routing.calibration import FEATURES, POOLED, Calibration, Score, ScoreMap, sigmoid
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

LEAST = 200
"""Decisions below which nothing is fitted."""
LEAST_OF_EACH = 20
"""Right ones, and wrong ones, in the half that is fitted on; of a tool's own for a map of its own."""
LEAST_OF_A_TOOL = 100
LEAST_ISOTONIC = 200
"""Below it, a step would rest on a handful of decisions."""
_FOLDS = 5
_RIDGE = 1.0
_NEWTON_STEPS = 50
_CURVE = 33
_MEASURED = 0.95
_EFFECTS = ("read", "write", "destroy")


class TooThin(Exception):
    """Not enough data for what was asked. The text says what is missing."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A call that was proposed, and whether it was right. Decisions of one `group` belong together."""

    evidence: CallEvidence
    right: bool
    group: str = ""


def fit(
    model: str,
    decisions: Sequence[Decision],
    targets: Mapping[str, float],
    confidence: float | None = None,
) -> Calibration:
    """Maps and thresholds for `targets` (by effect, shares of all decisions). Raises `TooThin`.

    The targets are kept on average; with `confidence`, so likely by each file (`routing.risk`).
    """
    fitted_on, held_out = _halves(decisions)
    _require(len(decisions) >= LEAST, f"{len(decisions)} decisions, {LEAST} are needed")
    right = sum(each.right for each in fitted_on)
    for count, what in ((right, "right"), (len(fitted_on) - right, "wrong")):
        _require(
            count >= LEAST_OF_EACH,
            f"{count} {what} decisions in the half that is fitted on, {LEAST_OF_EACH} are needed",
        )
    groups = groups_in([Outcome(0.0, each.right, each.group) for each in held_out])
    for effect, target in targets.items():
        needed = groups_needed(target, confidence)
        _require(
            groups >= needed,
            f"a guarantee of {target:.2%} ({effect}) needs {needed} groups held out of fitting, "
            f"there are {groups}",
        )
    score = _fit_score(fitted_on)
    maps = _fit_maps(fitted_on)
    measured = sum(each.evidence.is_measured for each in fitted_on) / len(fitted_on)
    bare = Calibration(model, score, maps, {}, targets, is_measured=measured >= _MEASURED)
    outcomes = {
        effect: _outcomes(bare, [d for d in held_out if d.evidence.effect == effect])
        for effect in _EFFECTS
    }
    pooled = _outcomes(bare, held_out)
    thresholds: dict[str, float] = {}
    for effect, target in targets.items():
        own = outcomes.get(effect, [])
        needed = groups_needed(target, confidence)
        enough = groups_in(own) >= max(2 * needed, LEAST_OF_A_TOOL)
        thresholds[effect] = controlled_threshold(own if enough else pooled, target, confidence)
    report = _report(bare, len(fitted_on), pooled, outcomes, thresholds)
    report["confidence"] = confidence
    return Calibration(model, score, maps, thresholds, targets, bare.is_measured, report)


def _require(met: bool, problem: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not met:
        raise TooThin(problem)


def _halves(decisions: Sequence[Decision]) -> tuple[list[Decision], list[Decision]]:
    """By the hash of the group: the same decision is on the same side, whatever came with it."""
    sides: tuple[list[Decision], list[Decision]] = ([], [])
    for index, each in enumerate(decisions):
        sides[_hash(each.group or str(index)) % 2].append(each)
    return sides


def _hash(group: str) -> int:
    return int.from_bytes(blake2b(group.encode(), digest_size=4).digest())


def _outcomes(bare: Calibration, decisions: Iterable[Decision]) -> list[Outcome]:
    """Those that can be told a probability count with it, the others as never made."""
    return [Outcome(bare.probability(d.evidence) or 0.0, d.right, d.group) for d in decisions]


def _fit_score(decisions: Sequence[Decision]) -> Score:
    """Logistic regression by Newton's method; a bias without penalty, everything else with."""
    import numpy as np

    names = tuple(FEATURES)
    raw = np.array(
        [
            [np.nan if (value := FEATURES[name](d.evidence)) is None else value for name in names]
            for d in decisions
        ]
    )
    known = ~np.isnan(raw)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, raw, 0.0).sum(axis=0) / counts
    scale = np.sqrt((np.where(known, raw - mean, 0.0) ** 2).sum(axis=0) / counts)
    scale[scale < 1e-9] = 1.0
    x = np.column_stack([np.where(known, (raw - mean) / scale, 0.0), np.ones(len(raw))])
    y = np.array([float(d.right) for d in decisions])
    penalty = np.full(x.shape[1], _RIDGE)
    penalty[-1] = 1e-6
    weights = np.zeros(x.shape[1])
    for _ in range(_NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (y - p) - penalty * weights
        curvature = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if float(np.abs(step).max()) < 1e-8:
            break
    told: list[list[float]] = [column.tolist() for column in (mean, scale, weights)]
    return Score(names, tuple(told[0]), tuple(told[1]), tuple(told[2][:-1]), told[2][-1])


def _fit_maps(decisions: Sequence[Decision]) -> dict[str, ScoreMap]:
    """One for all, and one for each tool with enough data, from scores that didn't see their outcome."""
    folds: dict[int, list[Decision]] = defaultdict(list)
    for index, each in enumerate(decisions):
        folds[_hash("fold " + (each.group or str(index))) % _FOLDS].append(each)
    scored: list[tuple[str, float, bool]] = []
    for fold in folds.values():
        rest = [each for other in folds.values() if other is not fold for each in other]
        score = _fit_score(rest or fold)
        scored += [(d.evidence.tool, score(d.evidence), d.right) for d in fold]
    by_tool: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for tool, value, right in scored:
        by_tool[tool].append((value, right))
    maps = {POOLED: _fit_map([(value, right) for _, value, right in scored])}
    for tool, points in by_tool.items():
        right = sum(each for _, each in points)
        if len(points) >= LEAST_OF_A_TOOL and LEAST_OF_EACH <= right <= len(points) - LEAST_OF_EACH:
            maps[tool] = _fit_map(points)
    return maps


def _fit_map(points: Sequence[tuple[float, bool]]) -> ScoreMap:
    return isotonic(points) if len(points) >= LEAST_ISOTONIC else logistic(points)


def isotonic(points: Sequence[tuple[float, bool]]) -> ScoreMap:
    """Pool adjacent violators; a block becomes a point at its mean score. Never quite 0 or 1."""
    blocks: list[list[float]] = []  # [count, sum of scores, right ones]
    for score, right in sorted(points):
        blocks.append([1.0, score, float(right)])
        while len(blocks) > 1 and blocks[-2][2] * blocks[-1][0] >= blocks[-1][2] * blocks[-2][0]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    edge = 0.5 / len(points)
    return ScoreMap(
        tuple(total / count for count, total, _ in blocks),
        tuple(min(max(right / count, edge), 1 - edge) for count, _, right in blocks),
    )


def logistic(points: Sequence[tuple[float, bool]]) -> ScoreMap:
    """Platt's curve with his targets, which keep it from certainty; as points, like every map."""
    import numpy as np

    scores = np.array([score for score, _ in points])
    right = sum(each for _, each in points)
    high, low = (right + 1) / (right + 2), 1 / (len(points) - right + 2)
    y = np.array([high if each else low for _, each in points])
    x = np.column_stack([scores, np.ones(len(scores))])
    weights = np.zeros(2)
    for _ in range(_NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        curvature = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, x.T @ (y - p))
        weights += step
        if float(np.abs(step).max()) < 1e-8:
            break
    slope, bias = float(weights[0]), float(weights[1])
    if slope < 0.0:
        # Higher scores were wrong more often: they say nothing, and one share holds for all.
        share = float(y.mean())
        slope, bias = 0.0, math.log(share / (1.0 - share))
    least, most = min(score for score, _ in points), max(score for score, _ in points)
    knots = [least + (most - least) * n / (_CURVE - 1) for n in range(_CURVE)]
    curve = (sigmoid(slope * knot + bias) for knot in knots)
    return ScoreMap(tuple(knots), tuple(accumulate(curve, max)))  # where it is flat, rounding falls


def _report(
    bare: Calibration,
    fitted_on: int,
    pooled: Sequence[Outcome],
    by_effect: Mapping[str, Sequence[Outcome]],
    thresholds: Mapping[str, float],
) -> dict[str, Any]:
    """What is told to people, all of it from the half that nothing was fitted on."""
    right = sum(each.right for each in pooled)
    curve = risk_coverage(pooled)
    step = max(len(curve) // 20, 1)
    made = [o for e, t in thresholds.items() for o in by_effect.get(e, ()) if o.probability >= t]
    return {
        "fitted_on": fitted_on,
        "held_out": len(pooled),
        "groups": groups_in(pooled),
        "right": right / max(len(pooled), 1),
        "auroc": auroc(pooled),
        "ece": ece(pooled),
        "brier": brier(pooled),
        "coverage": len(made) / max(len(pooled), 1),
        "wrong_calls": sum(not each.right for each in made) / max(len(pooled), 1),
        "own_maps": sorted(set(bare.maps) - {POOLED}),
        "risk_coverage": [
            [point.threshold, point.coverage, point.risk] for point in curve[::-step][::-1]
        ],
    }
