"""docs/reference/metrics.md, from the instruments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scripts.reference.writing import code, head, table, whole

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_ABOUT = (
    "What `GET /metrics` tells, in Prometheus' text format. What they mean for an operator, the alerts and the"
    " dashboard: [telemetry.md](../telemetry.md). Every label is bounded, whatever models and clients send."
)


def page() -> str:
    """The page."""
    from gateway.telemetry.instruments import Instruments
    from gateway.telemetry.series import Family
    from gateway.telemetry.workers import exposition

    made = Instruments()
    for one in vars(made).values():
        if isinstance(one, Family):
            one.labels(*one.label_names)  # what has no series yet tells neither labels nor bounds
    told = exposition(made.registry).decode()
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", told, re.MULTILINE))
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", told, re.MULTILINE))
    metrics = list(made.registry.collect())
    labels = {_full_name(metric): _labels(metric) for metric in metrics}
    rows = [
        (code(name), kinds[name], ", ".join(map(code, labels.get(name, ()))), helps[name])
        for name in sorted(kinds)
    ]
    lines = head("Metrics", "gateway/telemetry/instruments.py", _ABOUT)
    lines += table(("metric", "kind", "labels", ""), rows)
    lines += ["", "A histogram has `_bucket`, `_sum` and `_count`; its bounds, in seconds:"]
    histograms = [metric for metric in metrics if metric.type == "histogram"]
    lines += table(("histogram", "bounds"), sorted(map(_bounds, histograms)))
    return whole(lines)


def _full_name(metric: Metric) -> str:
    return metric.name + ("_total" if metric.type == "counter" else "")


def _labels(metric: Metric) -> list[str]:
    return [name for name in metric.samples[0].labels if name != "le"]


def _bounds(metric: Metric) -> tuple[str, str]:
    of_one = dict.fromkeys(
        sample.labels["le"] for sample in metric.samples if "le" in sample.labels
    )
    return code(metric.name), ", ".join(f"{float(le):g}" for le in of_one if le != "+Inf")
