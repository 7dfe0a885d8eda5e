"""What a soak measured: whether it stayed flat, as a table, as a picture.

A series grows by its slope (Theil and Sen's: the median of the slopes between all pairs, which a few odd
samples do not move) over the time of the load, its first fifth left out. What is held while nobody asks
anything, before the load and after it, shows a leak more sharply: there every task and handle counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

WARM_UP = 0.2
SERIES = {
    "rss_mb": "resident memory, MB",
    "blocks": "Python's memory blocks, thousands",
    "tasks": "asyncio tasks",
    "sockets": "sockets",
    "files": "other file handles",
    "threads": "threads",
}
_WIDTH, _ROW, _LEFT, _RIGHT = 720, 110, 150, 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the gateway's process, `at_s` seconds after the load began; `values` by `SERIES`."""

    at_s: float
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Allowed:
    """How much a series may grow under load, and between the idle before and the idle after."""

    load: Mapping[str, float]
    idle: Mapping[str, float]


def growth(samples: Sequence[Sample], name: str) -> float:
    """By how much a series grew from the end of the warm-up to the end."""
    last = samples[-1].at_s
    kept = [one for one in samples if one.at_s >= WARM_UP * last]
    points = [(one.at_s, one.values[name]) for one in kept]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] > a[0]]
    return median(slopes) * (last - kept[0].at_s) if slopes else 0.0


def leaks(samples: Sequence[Sample], before: Sample, after: Sample, allowed: Allowed) -> list[str]:
    """What grew more than is allowed, a line each; none when all is flat."""
    found: list[str] = []
    for name, told in SERIES.items():
        if (more := growth(samples, name)) > allowed.load[name]:
            found.append(f"{told}: {more:+.1f} under load, {allowed.load[name]:g} is allowed")
        if (more := after.values[name] - before.values[name]) > allowed.idle[name]:
            found.append(f"{told}: {more:+.1f} while idle, {allowed.idle[name]:g} is allowed")
    return found


def table(samples: Sequence[Sample], before: Sample, after: Sample) -> str:
    """The figures as Markdown."""
    last = samples[-1].at_s
    kept = [one for one in samples if one.at_s >= WARM_UP * last]
    lines = [
        "| | idle before | under load: median | least-most | grew in all | idle after |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, told in SERIES.items():
        values = [one.values[name] for one in kept]
        lines.append(
            f"| {told} | {before.values[name]:.0f} | {median(values):.0f}"
            f" | {min(values):.0f}-{max(values):.0f} | {growth(samples, name):+.1f}"
            f" | {after.values[name]:.0f} |"
        )
    return "\n".join(lines)


def picture(samples: Sequence[Sample]) -> str:
    """A line for each series over the minutes, an SVG of its own."""
    height = _ROW * len(SERIES) + 40
    last = samples[-1].at_s
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
            ' font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
    ]
    for row, (name, told) in enumerate(SERIES.items()):
        top = 15 + row * _ROW
        most = max(one.values[name] for one in samples) * 1.15 or 1.0

        def at(one: Sample, name: str = name, top: int = top, most: float = most) -> str:
            x = _LEFT + one.at_s / last * (_WIDTH - _LEFT - _RIGHT)
            return f"{x:.1f},{top + (_ROW - 25) * (1 - one.values[name] / most):.1f}"

        bottom = top + _ROW - 25
        points = " ".join(map(at, samples))
        lines += [
            f'<text x="8" y="{top + 40}">{told}</text>',
            f'<text x="{_LEFT - 6}" y="{top + 10}" text-anchor="end">{most:.0f}</text>',
            f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
            f'<path d="M{_LEFT} {top}V{bottom}H{_WIDTH - _RIGHT}" fill="none" stroke="#888"/>',
            f'<polyline points="{points}" fill="none" stroke="#1f77b4" stroke-width="1.5"/>',
        ]
    for tick in range(6):
        x = _LEFT + tick / 5 * (_WIDTH - _LEFT - _RIGHT)
        minutes = last / 60 * tick / 5
        lines.append(
            f'<text x="{x:.0f}" y="{height - 22}" text-anchor="middle">{minutes:.1f}</text>'
        )
    lines.append(f'<text x="{_WIDTH / 2}" y="{height - 6}" text-anchor="middle">minutes</text>')
    return "\n".join([*lines, "</svg>", ""])
