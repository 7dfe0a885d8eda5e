"""Bursty load of two priorities, and what became of it: shared by the simulation and the real run.

Calm and bursts take turns, both of random length; within each, requests come at random at its own rate. A
burst has 2.2 times the mean rate and is there a quarter of the time.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from routing.priority import Priority

_BURST = 2.2
_BURST_TIME = 0.25
LOW_SHARE = 0.6
"""Of the requests, those that can wait."""

Who = Literal["all", "high", "low"]


@dataclass(frozen=True, slots=True)
class Request:
    """`at` in seconds from the beginning; `size` from 0 to 1 is its place among the recorded times."""

    at: float
    priority: Priority
    size: float


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and the seconds until it was answered, by which tier; `failed` when it was not."""

    priority: Priority
    seconds: float
    tier: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """What became of a load. `busy` is the share of each tier's places that was busy while it lasted."""

    answered: tuple[Answered, ...]
    busy: tuple[float, float]

    @property
    def both(self) -> float:
        """The mean of both tiers."""
        return fmean(self.busy)

    def seconds(self, who: Who) -> list[float]:
        """Response times, in order."""
        return sorted(
            each.seconds
            for each in self.answered
            if who in ("all", each.priority) and not each.failed
        )

    def mean(self, who: Who) -> float:
        """Mean response time in seconds."""
        return fmean(self.seconds(who) or [0.0])

    def p95(self, who: Who) -> float:
        """The response time that 95 % of them kept below, in seconds."""
        found = self.seconds(who) or [0.0]
        return found[min(int(len(found) * 0.95), len(found) - 1)]

    @property
    def moved(self) -> float:
        """The share of the requests that the overflow tier answered."""
        return sum(each.tier == "cpu" for each in self.answered) / max(len(self.answered), 1)


def bursts(rate: float, seconds: float, seed: int, period_s: float) -> list[Request]:
    """`rate` requests a second in the mean; `period_s` is a calm and a burst together, in the mean."""
    chance = random.Random(seed)
    found, now, burst = list[Request](), 0.0, False
    calm = (1 - _BURST * _BURST_TIME) / (1 - _BURST_TIME)
    while now < seconds:
        share, pace = (_BURST_TIME, _BURST) if burst else (1 - _BURST_TIME, calm)
        # Not quite at random: a burst that is ten times as long as most would decide a whole run.
        until = min(now + period_s * share * chance.uniform(0.5, 1.5), seconds)
        at = now + chance.expovariate(rate * pace)
        while at < until:
            priority: Priority = "low" if chance.random() < LOW_SHARE else "high"
            found.append(Request(at, priority, chance.random()))
            at += chance.expovariate(rate * pace)
        now, burst = until, not burst
    return found


def table(courses: Mapping[str, Sequence[Course]]) -> list[str]:
    """Rows of Markdown: the means over each name's courses; times in seconds."""
    lines = [
        "| | first tier busy | overflow busy | both | moved | all: mean, p95 | high: mean, p95 | low: mean, p95 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, several in courses.items():
        shares = [
            fmean(course.busy[0] for course in several),
            fmean(course.busy[1] for course in several),
            fmean(course.both for course in several),
            fmean(course.moved for course in several),
        ]
        whos: tuple[Who, ...] = ("all", "high", "low")
        times = [
            f"{fmean(c.mean(who) for c in several):.2f}, {fmean(c.p95(who) for c in several):.2f}"
            for who in whos
        ]
        cells = [name, *(f"{share:.0%}" for share in shares), *times]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def change(before: Sequence[Course], after: Sequence[Course]) -> tuple[str, str]:
    """Relative change of both tiers' utilisation and of the mean response time: the mean, least to most."""
    busier = [b.both / a.both - 1 for a, b in zip(before, after, strict=True)]
    slower = [b.mean("all") / a.mean("all") - 1 for a, b in zip(before, after, strict=True)]
    return _spread(busier), _spread(slower)


def _spread(values: Sequence[float]) -> str:
    told = f"{fmean(values):+.0%}"
    if len(values) > 1:
        told += f" ({min(values):+.0%} to {max(values):+.0%})"
    return told.replace("-", "−")
