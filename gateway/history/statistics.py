"""What the runs of a time came to: tools, models, escalations, cost; in all and along the time.

Pure: fed with records, gives a document. Durations in seconds, costs in US dollars, times in seconds
since the epoch. Quantiles are exact (nearest rank).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any

from gateway.history.digest import digest
from gateway.storage.records import RunRecord

_SLOWEST = 10


@dataclass(slots=True)
class _Tool:
    calls: int = 0
    repaired: int = 0
    refused: int = 0
    escalated: int = 0
    client: int = 0
    last_used: float = 0.0
    effect: str | None = None
    failures: Counter[str] = field(default_factory=Counter[str])
    elapsed: list[float] = field(default_factory=list[float])

    def document(self, name: str) -> dict[str, Any]:
        failed = self.failures.total()
        return {
            "name": name,
            "effect": self.effect,
            "calls": self.calls,
            "client": self.client,
            "failed": failed,
            "error_rate": failed / self.calls if self.calls else 0.0,
            "failures": dict(self.failures.most_common()),
            "refused": self.refused,
            "repaired": self.repaired,
            "escalated": self.escalated,
            "latency_s": quantiles(self.elapsed),
            "last_used": self.last_used,
        }


@dataclass(slots=True)
class _Bucket:
    runs: int = 0
    failed: int = 0
    escalations: Counter[str] = field(default_factory=Counter[str])
    cost: defaultdict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))


class Statistics:
    """Collects runs that began in [`since`, `until`), which is cut into equal `buckets`."""

    def __init__(self, since: float, until: float, buckets: int) -> None:
        self._since = since
        self._until = until
        self._width = max((until - since) / buckets, 1e-9)
        self._buckets = [_Bucket() for _ in range(buckets)]
        self._statuses: Counter[str] = Counter()
        self._tools: defaultdict[str, _Tool] = defaultdict(_Tool)
        self._reasons: defaultdict[str, list[float]] = defaultdict(list)
        self._lent_in_vain = 0
        self._turns: Counter[str] = Counter()
        self._cost: defaultdict[str, float] = defaultdict(float)
        self._tokens = 0
        self._elapsed: list[float] = []
        self._ended: list[dict[str, Any]] = []
        self.runs = 0

    def add(self, record: RunRecord) -> None:
        """One more run."""
        told = digest(record)
        self.runs += 1
        self._statuses[record.status] += 1
        self._tokens += told["total_tokens"]
        place = int((record.created_at - self._since) / self._width)
        bucket = self._buckets[min(max(place, 0), len(self._buckets) - 1)]
        bucket.runs += 1
        bucket.failed += record.status == "failed"
        if told["elapsed_s"] is not None:
            self._elapsed.append(told["elapsed_s"])
            self._ended = nlargest(_SLOWEST, [*self._ended, told], key=_elapsed)
        lent = {receipt["step"] for receipt in record.trace["escalations"]}
        for receipt in record.trace["escalations"]:
            self._reasons[receipt["reason"]].append(receipt["cost_usd"])
            self._lent_in_vain += bool(receipt["failed"])
            bucket.escalations[receipt["reason"]] += 1
        for step in record.trace["steps"]:
            self._turns[step["role"]] += 1
            self._cost[step["role"]] += step["cost_usd"]
            bucket.cost[step["role"]] += step["cost_usd"]
            self._add_calls(step, record.created_at, lent=step["step"] in lent)

    def _add_calls(self, step: Mapping[str, Any], at: float, *, lent: bool) -> None:
        for call in step["calls"]:
            tool = self._tools[call["name"]]
            tool.calls += 1
            tool.client += call["client"]
            tool.repaired += bool(call["repairs"])
            tool.effect = call["effect"]
            if (result := call["result"]) is not None:
                tool.elapsed.append(result["elapsed_s"])
                if result["failure"]:
                    tool.failures[result["failure"]] += 1
        for refusal in step["refused"]:
            self._tools[refusal["name"]].refused += 1
        for name in {call["name"] for call in (*step["calls"], *step["refused"])}:
            tool = self._tools[name]
            tool.escalated += lent
            tool.last_used = max(tool.last_used, at)

    def document(self) -> dict[str, Any]:
        """All of it; tools by how often they were called, reasons by how often they were given."""
        tools = sorted(self._tools.items(), key=lambda each: (-each[1].calls, each[0]))
        reasons = sorted(self._reasons.items(), key=lambda each: (-len(each[1]), each[0]))
        return {
            "since": self._since,
            "until": self._until,
            "runs": {
                "total": self.runs,
                "by_status": dict(self._statuses.most_common()),
                "elapsed_s": quantiles(self._elapsed),
            },
            "total_tokens": self._tokens,
            "cost_usd": {"total": sum(self._cost.values()), "by_role": dict(self._cost)},
            "turns": dict(self._turns),
            "tools": [tool.document(name) for name, tool in tools],
            "escalations": {
                "total": sum(len(costs) for costs in self._reasons.values()),
                "failed": self._lent_in_vain,
                "by_reason": [
                    {"reason": reason, "count": len(costs), "cost_usd": sum(costs)}
                    for reason, costs in reasons
                ],
            },
            "slowest": self._ended,
            "buckets": [
                {
                    "at": self._since + place * self._width,
                    "runs": bucket.runs,
                    "failed": bucket.failed,
                    "escalations": dict(bucket.escalations),
                    "cost_usd": dict(bucket.cost),
                }
                for place, bucket in enumerate(self._buckets)
            ],
        }


def quantiles(values: Iterable[float]) -> dict[str, float] | None:
    """Median, 95th percentile and maximum; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return {"p50": _rank(ordered, 0.5), "p95": _rank(ordered, 0.95), "max": ordered[-1]}


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def _elapsed(told: Mapping[str, Any]) -> float:
    return told["elapsed_s"]
