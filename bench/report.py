"""The figures of a run as a table and as a picture."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from statistics import median

from bench.targets import SUITES, Suite

Results = Mapping[tuple[str, str], Sequence[Mapping[str, float]]]
"""(suite, target) to the figures of each round."""


def figure(rounds: Sequence[Mapping[str, float]], key: str) -> float:
    """The median over the rounds."""
    return median(one[key] for one in rounds)


def ratio(results: Results, suite: Suite, name: str) -> float | None:
    """How many times the peer's: requests a second, for rated suites its latency over ours.

    None where there is nothing to divide by: in most of its rounds one of the two answered nothing.
    """
    ours, peer = results.get((suite.name, name)), results.get((suite.name, suite.peer))
    if ours is None or peer is None or name == suite.peer:
        return None
    if not figure(ours, "rps") or not figure(peer, "rps"):
        return None
    if suite.rate:
        return figure(peer, "p50_ms") / figure(ours, "p50_ms")
    return figure(ours, "rps") / figure(peer, "rps")


def table(results: Results, about: Mapping[str, str]) -> str:
    """The figures as Markdown."""
    lines = [
        "| suite | target | requests/s | min-max | CPU µs each | p50 ms | p99 ms | errors | × peer |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for suite in SUITES:
        for (of, name), rounds in results.items():
            if of != suite.name:
                continue
            low, high = min(one["rps"] for one in rounds), max(one["rps"] for one in rounds)
            times = ratio(results, suite, name)
            errors = sum(one["errors"] for one in rounds)
            lines.append(
                f"| {suite.name} | {name} | {figure(rounds, 'rps'):.0f} | {low:.0f}-{high:.0f} "
                f"| {figure(rounds, 'cpu_us'):.0f} | {figure(rounds, 'p50_ms'):.2f} "
                f"| {figure(rounds, 'p99_ms'):.2f} | {errors:.0f} "
                f"| {'' if times is None else f'{times:.1f}'} |"
            )
    told = [f"- `{one.name}`: {one.told}. The peer of its ratios is {one.peer}." for one in SUITES]
    return "\n".join(
        [*lines, "", *told, "", *(f"- {name}: {text}" for name, text in about.items())]
    )


def picture(results: Results) -> str:
    """Requests a second as bars on a logarithmic scale, an SVG of its own."""
    rows: list[tuple[str, str, float]] = []
    for suite in SUITES:
        if not suite.rate:
            rows += [
                (suite.name, name, figure(rounds, "rps"))
                for (of, name), rounds in results.items()
                if of == suite.name
            ]
    top = max((rate for _, _, rate in rows), default=1.0)
    width, parts, y, last = 460, list[str](), 24, ""
    for suite, name, rate in rows:
        if suite != last:
            y += 14
            parts.append(f'<text x="8" y="{y}" class="s">{html.escape(suite)}, requests/s</text>')
            y, last = y + 8, suite
        length = max(2.0, width * math.log10(max(rate, 1) + 1) / math.log10(top + 1))
        kind = "ours" if name.startswith("gateway") else "peer"
        parts.append(
            f'<text x="150" y="{y + 12}" class="n" text-anchor="end">{html.escape(name)}</text>'
            f'<rect x="158" y="{y}" width="{length:.0f}" height="16" rx="2" class="{kind}"/>'
            f'<text x="{166 + length:.0f}" y="{y + 12}" class="v">{rate:,.0f}</text>'
        )
        y += 22
    style = (
        "text{font:12px system-ui,sans-serif;fill:#444}.s{font-weight:600}.v{fill:#777}"
        ".ours{fill:#e8590c}.peer{fill:#adb5bd}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}.v{fill:#aaa}.peer{fill:#5c636a}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {y + 12}" role="img" '
        f'aria-label="Requests a second, logarithmic"><style>{style}</style>{"".join(parts)}</svg>\n'
    )
