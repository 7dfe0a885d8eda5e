"""docs/reference/metrics.md, from the instruments."""

from __future__ import annotations

import re
from typing import Any

from scripts.reference.writing import code, head, table, whole

_ABOUT = (
    "What `GET /metrics` tells, in Prometheus' text format. What they mean for an operator, the alerts and the"
    " dashboard: [telemetry.md](../telemetry.md). Every label is bounded, whatever models and clients send."
)


def page() -> str:
    """The page."""
    from gateway.telemetry.instruments import Instruments
    from gateway.telemetry.workers import exposition

    made = Instruments()
    labels = _labels(made)
    told = exposition(made.registry).decode()
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", told, re.MULTILINE))
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", told, re.MULTILINE))
    rows = [
        (code(name), kinds[name], ", ".join(map(code, labels.get(name, ()))), helps[name])
        for name in sorted(kinds)
    ]
    lines = head("Metrics", "gateway/telemetry/instruments.py", _ABOUT)
    lines += table(("metric", "kind", "labels", ""), rows)
    lines += ["", "A histogram has `_bucket`, `_sum` and `_count`; its bounds, in seconds:"]
    lines += table(("histogram", "bounds"), _bounds(made))
    return whole(lines)


def _known(made: Any) -> list[tuple[str, str, Any]]:
    """Name, kind, and what prometheus_client keeps of each metric and tells nobody before it is used."""
    found: list[tuple[str, str, Any]] = []
    kept: dict[str, Any] = made.__dict__
    for name, metric in kept.items():
        if name != "registry":
            found.append((metric.__dict__["_name"], type(metric).__name__, metric.__dict__))
    return found


def _labels(made: Any) -> dict[str, tuple[str, ...]]:
    return {
        name + ("_total" if kind == "Counter" else ""): tuple(kept["_labelnames"])
        for name, kind, kept in _known(made)
    }


def _bounds(made: Any) -> list[tuple[str, str]]:
    return sorted(
        (code(name), ", ".join(f"{bound:g}" for bound in kept["_kwargs"]["buckets"]))
        for name, kind, kept in _known(made)
        if kind == "Histogram"
    )
