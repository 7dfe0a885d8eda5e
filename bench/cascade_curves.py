"""Cost against quality for ways to lend decisions, with bootstrap confidence intervals. Pure.

A point of a curve is a share of lent decisions. The expert here is an oracle, so a lent decision is right,
and quality is 1 − (share that is made and wrong). Three orders of lending: by calibrated probability, the
least first; at random, which is the straight line from always-small to always-large; and the ideal, which
lends the wrong ones first. The figure of merit is the area between calibrated and random, as a share of
that between ideal and random.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Case:
    """One decision: what the intermediary was worth there, and what either model costs, in US dollars.

    `lent` is what the chosen thresholds say. Cases of a `group` are resampled together. `part` is where
    the request came from.
    """

    group: str
    probability: float
    right: bool
    lent: bool
    small_usd: float
    large_usd: float
    part: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def quality_curve(cases: Sequence[Case], worth: Callable[[Case], float]) -> list[float]:
    """Quality with 0, 1, … all decisions lent, those that are worth least first."""
    ordered = sorted(cases, key=worth)
    right = sum(case.right for case in cases)
    qualities = [right / len(cases)]
    for case in ordered:
        right += not case.right
        qualities.append(right / len(cases))
    return qualities


def calibrated(case: Case) -> float:
    """By the probability of being right."""
    return case.probability


def ideal(case: Case) -> float:
    """By what nobody knows beforehand."""
    return float(case.right)


def area_share(cases: Sequence[Case]) -> float:
    """Of the area between ideal and random lending, what calibrated lending wins; 0 is random."""

    def area(worth: Callable[[Case], float]) -> float:
        qualities = quality_curve(cases, worth)
        return sum(qualities) / len(qualities) - (qualities[0] + qualities[-1]) / 2

    possible = area(ideal)
    return area(calibrated) / possible if possible > 1e-12 else 0.0


def right_share(cases: Sequence[Case]) -> float:
    """Of all decisions, those that the intermediary alone gets right."""
    return sum(case.right for case in cases) / len(cases)


def wrong_made(cases: Sequence[Case]) -> float:
    """Of all decisions, those that are made and wrong."""
    return sum(not case.lent and not case.right for case in cases) / len(cases)


def lent_share(cases: Sequence[Case]) -> float:
    """Of all decisions, those that go to the expert."""
    return sum(case.lent for case in cases) / len(cases)


def quality(cases: Sequence[Case]) -> float:
    """Of all decisions, those that end right: the expert's always do."""
    return 1.0 - wrong_made(cases)


def random_quality(cases: Sequence[Case]) -> float:
    """At the same share of lent decisions, chosen by dice: what is expected."""
    small = right_share(cases)
    return small + (1 - small) * lent_share(cases)


def cost_usd(cases: Sequence[Case]) -> float:
    """A decision, on the average: the intermediary's turn always, the expert's where it is asked."""
    return sum(c.small_usd + c.large_usd * c.lent for c in cases) / len(cases)


def always_small_usd(cases: Sequence[Case]) -> float:
    """A decision, when none is lent."""
    return sum(case.small_usd for case in cases) / len(cases)


def always_large_usd(cases: Sequence[Case]) -> float:
    """The intermediary is not asked at all."""
    return sum(case.large_usd for case in cases) / len(cases)


def estimate(
    cases: Sequence[Case], figure: Callable[[Sequence[Case]], float], seed: int = 7
) -> Estimate:
    """The figure, and the middle 95 % of what it is on resampled groups."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.group].append(case)
    names, rng = list(groups), Random(seed)
    values: list[float] = []
    for _ in range(RESAMPLES):
        drawn = [case for name in rng.choices(names, k=len(names)) for case in groups[name]]
        values.append(figure(drawn))
    values.sort()
    low, high = values[int(0.025 * RESAMPLES)], values[int(0.975 * RESAMPLES) - 1]
    return Estimate(figure(cases), low, high)
