"""Response time against load as an SVG that a page can show; no plotting library needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from bench.tier_load import Course, Who

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 720, 440, 64, 60, 40, 190
_CURVES: tuple[tuple[str, Who, str, str], ...] = (
    ("one tier, first come", "all", "#999", ""),
    ("one tier, priorities", "low", "#d62728", ""),
    ("one tier, priorities", "high", "#d62728", "6 4"),
    ("two tiers", "low", "#1f77b4", ""),
    ("two tiers", "high", "#1f77b4", "6 4"),
)


def plot(points: Mapping[float, Mapping[str, Sequence[Course]]]) -> str:
    """Load across, as a share of what the first tier can do; mean response time upwards, logarithmic."""
    loads = sorted(points)
    curves = [
        [(load, fmean(course.mean(who) for course in points[load][way])) for load in loads]
        for way, who, _, _ in _CURVES
    ]
    values = [seconds for curve in curves for _, seconds in curve]
    least, most = math.log10(min(values)) - 0.05, math.log10(max(values)) + 0.05

    def at(load: float, seconds: float) -> tuple[float, float]:
        x = _LEFT + (load - loads[0]) / (loads[-1] - loads[0]) * (_WIDTH - _LEFT - _RIGHT)
        share = (math.log10(seconds) - least) / (most - least)
        return x, _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)

    def text(x: float, y: float, words: str, anchor: str = "start") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'

    right = _WIDTH - _RIGHT
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
            ' font-family="sans-serif" font-size="13">'
        ),
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<path d="M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{right}" fill="none" stroke="#444"/>',
        text((_LEFT + right) / 2, _HEIGHT - 15, "load, of what the first tier can do", "middle"),
        text(8, 20, "mean response time in seconds (logarithmic)"),
    ]
    for seconds in _ticks(least, most):
        _, y = at(loads[0], seconds)
        lines.append(text(_LEFT - 8, y + 4, f"{seconds:g}", "end"))
        lines.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#eee"/>')
    for load in loads:
        x, _ = at(load, 10**least)
        lines.append(text(x, _HEIGHT - _BOTTOM + 18, f"{load:.0%}", "middle"))
    for (way, who, color, dash), curve in zip(_CURVES, curves, strict=True):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in curve))
        style = f'stroke="{color}" stroke-width="2.5" stroke-dasharray="{dash}"'
        lines.append(f'<polyline points="{path}" fill="none" {style}/>')
        y = _TOP + 20 + 22 * len([line for line in lines if "polyline" in line])
        lines.append(f'<path d="M{right + 12} {y - 4}h24" {style}/>')
        name = way.replace("one tier, first come", "first come").replace("one tier, p", "p")
        lines.append(text(right + 42, y, f"{name}: {who}"))
    return "\n".join([*lines, "</svg>", ""])


def _ticks(least: float, most: float) -> list[float]:
    """1, 2 and 5 of every decade, as far as they are between the powers of ten `least` and `most`."""
    found = [
        digit * 10.0**power
        for power in range(math.floor(least), math.ceil(most) + 1)
        for digit in (1, 2, 5)
    ]
    return [each for each in found if least <= math.log10(each) <= most]
