"""How the calls of a time differ from those of an earlier one.

Pure: two documents of `gateway.history.statistics` in, rows out. Two questions. Does the model choose
other tools than before? That is the Jensen-Shannon divergence of the shares, in bits: 0 for the same
mix, 1 for tools that have nothing in common. Does a tool fail more often? That is a two-proportion z
test for each tool: 2 is noticeable, 3 is hardly chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOTICEABLE_Z = 2.0
NOTICEABLE_DIVERGENCE = 0.05


@dataclass(frozen=True, slots=True)
class ToolDrift:
    """One tool, before and now. Shares are of all calls; bad is failed or refused, of its attempts.

    `share_z` and `bad_z` are positive for more than before. `slower` is the median's factor, None where
    one of the times has no result.
    """

    name: str
    calls_before: int
    calls_now: int
    share_before: float
    share_now: float
    share_z: float
    bad_before: float
    bad_now: float
    bad_z: float
    slower: float | None

    @property
    def noticeable(self) -> bool:
        return max(abs(self.share_z), abs(self.bad_z)) >= NOTICEABLE_Z


@dataclass(frozen=True, slots=True)
class Drift:
    """All tools, the most changed first; `divergence` in bits, None where a time has no calls."""

    divergence: float | None
    tools: tuple[ToolDrift, ...]


def drift(before: Mapping[str, Any], now: Mapping[str, Any]) -> Drift:
    """Compare two times."""
    old = {tool["name"]: tool for tool in before["tools"]}
    new = {tool["name"]: tool for tool in now["tools"]}
    tried_before, tried_now = _attempts(old), _attempts(new)
    all_before, all_now = sum(tried_before.values()), sum(tried_now.values())
    rows = [
        _row(name, old.get(name), new.get(name), all_before, all_now) for name in {**old, **new}
    ]
    rows.sort(key=lambda row: (-max(abs(row.share_z), abs(row.bad_z)), row.name))
    if not all_before or not all_now:
        return Drift(None, tuple(rows))
    divergence = math.fsum(
        _part(row.share_before, row.share_now) + _part(row.share_now, row.share_before)
        for row in rows
    )
    return Drift(max(divergence, 0.0), tuple(rows))


def _row(
    name: str,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    all_before: int,
    all_now: int,
) -> ToolDrift:
    before, now = _tried(old), _tried(new)
    bad_before, bad_now = _bad(old), _bad(new)
    return ToolDrift(
        name=name,
        calls_before=before,
        calls_now=now,
        share_before=before / all_before if all_before else 0.0,
        share_now=now / all_now if all_now else 0.0,
        share_z=_z(before, all_before, now, all_now),
        bad_before=bad_before / before if before else 0.0,
        bad_now=bad_now / now if now else 0.0,
        bad_z=_z(bad_before, before, bad_now, now),
        slower=_factor(old, new),
    )


def _attempts(tools: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    return {name: _tried(tool) for name, tool in tools.items()}


def _tried(tool: Mapping[str, Any] | None) -> int:
    return tool["calls"] + tool["refused"] if tool else 0


def _bad(tool: Mapping[str, Any] | None) -> int:
    return tool["failed"] + tool["refused"] if tool else 0


def _factor(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> float | None:
    if not old or not new or not old["latency_s"] or not new["latency_s"]:
        return None
    before = old["latency_s"]["p50"]
    return new["latency_s"]["p50"] / before if before else None


def _z(hits_before: int, all_before: int, hits_now: int, all_now: int) -> float:
    """The two-proportion z score; 0 where it says nothing."""
    if not all_before or not all_now:
        return 0.0
    pooled = (hits_before + hits_now) / (all_before + all_now)
    spread = pooled * (1 - pooled) * (1 / all_before + 1 / all_now)
    if spread <= 0:
        return 0.0
    return (hits_now / all_now - hits_before / all_before) / math.sqrt(spread)


def _part(share: float, other: float) -> float:
    """One tool's part of half the divergence from the mean of both mixes."""
    return share * math.log2(2 * share / (share + other)) / 2 if share else 0.0
