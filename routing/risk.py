"""How good probabilities are, and the threshold that keeps wrong calls rare. Pure.

- AUROC: the chance that a right call has the higher probability of a right and a wrong one; ties half.
- ECE: the mean gap between probability and outcome over bins of equal size.
- Risk and coverage: of all decisions, the share that is made at a threshold, and the share made wrongly.
- Conformal risk control (Angelopoulos, Bates, Fisch, Lei, Schuster, 2022): the loss of a group is the share
  of its decisions that are made and wrong, which never grows with the threshold. The smallest threshold
  whose mean loss on n groups satisfies (n·loss + 1) / (n + 1) ≤ target has an expected loss of at most the
  target on the next group, whatever the probabilities are worth, if it comes from where the n came from.
  Decisions of one run or one set of tools go wrong together, so they are no n of their own.
- The same with a confidence (Bates, Angelopoulos, Lei, Malik, Jordan, 2021): the smallest threshold from which on
  upwards no mean loss is likelier than 1 − confidence where the expected loss is above the target, by the bounds of
  Hoeffding and Bentkus. Of many calibrations the share that lies above its target is then 1 − confidence at most;
  where thresholds hold on average nothing bounds it (in the cascade it was two in five).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, e, exp, lgamma, log, log1p

from routing.calibration import LEND_ALL

_ROUNDING = 1e-9
"""Of sums of losses."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision that is known to have been right or wrong, and the probability it was given.

    Without a `group` it is one of its own.
    """

    probability: float
    right: bool
    group: str = ""


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What comes of a threshold: shares of all decisions that are made, and made wrongly."""

    threshold: float
    coverage: float
    risk: float


def auroc(outcomes: Sequence[Outcome]) -> float:
    """0.5 where there is nothing to tell apart."""
    right = sum(each.right for each in outcomes)
    wrong = len(outcomes) - right
    if not right or not wrong:
        return 0.5
    ordered = sorted(outcomes, key=lambda each: each.probability)
    ranks, start = 0.0, 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end].probability == ordered[start].probability:
            end += 1
        ranks += sum(each.right for each in ordered[start:end]) * (start + end + 1) / 2
        start = end
    return (ranks - right * (right + 1) / 2) / (right * wrong)


def ece(outcomes: Sequence[Outcome], bins: int = 10) -> float:
    """From 0 (as often right as said) to 1."""
    ordered = sorted(outcomes, key=lambda each: each.probability)
    size = max(ceil(len(ordered) / bins), 1)
    gaps = 0.0
    for start in range(0, len(ordered), size):
        part = ordered[start : start + size]
        gaps += abs(sum(each.probability - each.right for each in part))
    return gaps / max(len(ordered), 1)


def brier(outcomes: Sequence[Outcome]) -> float:
    """The mean squared distance between probability and outcome."""
    return sum((each.probability - each.right) ** 2 for each in outcomes) / max(len(outcomes), 1)


def risk_coverage(outcomes: Sequence[Outcome]) -> list[RiskPoint]:
    """A point for each threshold that makes a difference, from making nothing to making everything."""
    ordered = sorted(outcomes, key=lambda each: -each.probability)
    points = [RiskPoint(LEND_ALL, 0.0, 0.0)]
    made = wrong = 0
    n = len(ordered)
    for index, each in enumerate(ordered):
        made, wrong = made + 1, wrong + (not each.right)
        if index + 1 == n or ordered[index + 1].probability != each.probability:
            points.append(RiskPoint(each.probability, made / n, wrong / n))
    return points


def groups_in(outcomes: Sequence[Outcome]) -> int:
    """How many there are; decisions without one count by themselves."""
    sizes = Counter(each.group for each in outcomes)
    alone = sizes.pop("", 0)
    return len(sizes) + alone


def groups_needed(target: float, confidence: float | None = None) -> int:
    """The fewest groups from which a threshold for `target` can be chosen at all."""
    if target <= 0:
        return int(1e9)
    if confidence is None:
        return ceil(1 / target) - 1
    return ceil(log(1 - confidence) / log1p(-target))


def controlled_threshold(
    outcomes: Sequence[Outcome], target: float, confidence: float | None = None
) -> float:
    """The smallest threshold with a guaranteed risk of at most `target`; `LEND_ALL` when none has.

    The guarantee is an expectation; with `confidence`, between 0 and 1, it holds so likely.
    """
    sizes = Counter(each.group for each in outcomes if each.group)
    most = _allowed(groups_in(outcomes), target, confidence) + _ROUNDING
    ordered = sorted(outcomes, key=lambda each: -each.probability)
    chosen, lost = LEND_ALL, 0.0
    for index, each in enumerate(ordered):
        lost += 0.0 if each.right else 1 / sizes.get(each.group, 1)
        is_last = index + 1 == len(ordered)
        if is_last or ordered[index + 1].probability != each.probability:
            if lost > most:
                break
            chosen = each.probability
    return chosen


def _allowed(n: int, target: float, confidence: float | None) -> float:
    """The largest loss in all, of `n` groups, that a threshold may have; below 0 when none may."""
    if confidence is None:
        return target * (n + 1) - 1
    if n < groups_needed(target, confidence):
        return -1.0
    low, high = 0.0, target * n
    while high - low > _ROUNDING:
        middle = (low + high) / 2
        if _likelihood(middle, n, target) <= 1 - confidence:
            low = middle
        else:
            high = middle
    return low


def _likelihood(lost: float, n: int, target: float) -> float:
    """A bound on how likely `n` groups lose no more than `lost` in all where each is expected to lose `target`.

    Losses lie between 0 and 1. Never falls as more is lost.
    """
    mean = lost / n
    if mean >= target:
        return 1.0
    gap = mean * log(mean / target) if mean else 0.0
    gap += (1 - mean) * log((1 - mean) / (1 - target))
    return min(exp(-n * gap), e * _binomial(ceil(lost - _ROUNDING), n, target))


def _binomial(most: int, n: int, share: float) -> float:
    """The chance of at most so many successes of n."""
    whole = lgamma(n + 1)
    return sum(
        exp(whole - lgamma(k + 1) - lgamma(n - k + 1) + k * log(share) + (n - k) * log1p(-share))
        for k in range(most + 1)
    )
