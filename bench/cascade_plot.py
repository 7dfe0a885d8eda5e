"""Cost against quality as an SVG that a page can show; no plotting library needed."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cascade_curves import (
    Case,
    always_large_usd,
    always_small_usd,
    calibrated,
    cost_usd,
    ideal,
    quality,
    quality_curve,
)

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 720, 440, 70, 60, 30, 30
_STEPS = 100

Point = tuple[float, float]


def plot(cases: Sequence[Case], model: str) -> str:
    """Dollars for a thousand decisions across, the share that ends right upwards."""
    small, large = always_small_usd(cases), always_large_usd(cases)
    curves = {
        name: _points(quality_curve(cases, worth), small, large)
        for name, worth in (("ideal", ideal), ("calibrated", calibrated))
    }
    start = sum(case.right for case in cases) / len(cases)
    curves["random"] = [(small, start), (small + large, 1.0)]
    most = small + large
    least = start - 0.05

    def at(point: Point) -> str:
        x = _LEFT + point[0] / most * (_WIDTH - _LEFT - _RIGHT)
        y = _HEIGHT - _BOTTOM - (point[1] - least) / (1.02 - least) * (_HEIGHT - _BOTTOM - _TOP)
        return f"{x:.1f},{y:.1f}"

    def text(x: float, y: float, words: str, anchor: str = "start") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'

    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
            ' font-family="sans-serif" font-size="13">'
        ),
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<path d="M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{_WIDTH - _RIGHT}" fill="none" stroke="#444"/>',
        text(_WIDTH / 2, _HEIGHT - 15, "US dollars for 1,000 decisions", "middle"),
        text(8, 18, "share of decisions that end right"),
    ]
    for share in range(int(least * 10) + 1, 11):
        _, y = at((0, share / 10)).split(",")
        lines.append(text(_LEFT - 8, float(y) + 4, f"{share * 10} %", "end"))
    for tick in range(5):
        usd = most * tick / 4
        x, _ = at((usd, least)).split(",")
        lines.append(text(float(x), _HEIGHT - _BOTTOM + 18, f"{usd * 1000:.2f}", "middle"))
    styles = {"ideal": "#bbb", "random": "#d62728", "calibrated": "#1f77b4"}
    for index, (name, color) in enumerate(styles.items()):
        path = " ".join(at(point) for point in curves[name])
        lines.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        y = _HEIGHT - _BOTTOM - 20 - 20 * index
        lines.append(f'<path d="M{_WIDTH - 190} {y - 4}h24" stroke="{color}" stroke-width="2.5"/>')
        lines.append(text(_WIDTH - 160, y, {"ideal": "ideal order"}.get(name, name)))
    marks = {
        f"always {model}": (small, start),
        "always the oracle": (large, 1.0),
        "chosen thresholds": (cost_usd(cases), quality(cases)),
    }
    for name, point in marks.items():
        x, y = map(float, at(point).split(","))
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#222"/>')
        right = x > _WIDTH / 2
        lines.append(text(x + (-10 if right else 10), y + 18, name, "end" if right else "start"))
    return "\n".join([*lines, "</svg>", ""])


def _points(qualities: Sequence[float], small: float, large: float) -> list[Point]:
    n = len(qualities) - 1
    picked = sorted({round(n * step / _STEPS) for step in range(_STEPS + 1)})
    return [(small + large * k / n, qualities[k]) for k in picked]
