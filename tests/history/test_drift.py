"""What counts as a drift of the calls."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.history.drift import drift
from gateway.history.statistics import quantiles


def told(**tools: tuple[int, int, float]) -> dict[str, Any]:
    """Statistics of tools: calls, failed ones, median latency."""
    return {
        "tools": [
            {
                "name": name,
                "calls": calls,
                "failed": failed,
                "refused": 0,
                "latency_s": {"p50": median, "p95": median, "max": median},
            }
            for name, (calls, failed, median) in tools.items()
        ]
    }


def test_the_same_mix_has_not_drifted() -> None:
    found = drift(told(a=(50, 1, 0.1), b=(50, 2, 0.2)), told(a=(500, 10, 0.1), b=(500, 20, 0.2)))
    assert found.divergence == pytest.approx(0.0)
    assert not any(row.noticeable for row in found.tools)


def test_mixes_with_nothing_in_common_are_a_bit_apart() -> None:
    found = drift(told(a=(10, 0, 0.1)), told(b=(30, 0, 0.1)))
    assert found.divergence == pytest.approx(1.0)
    assert {row.name: round(row.share_now - row.share_before) for row in found.tools} == {
        "a": -1,
        "b": 1,
    }


def test_a_tool_that_fails_more_often_stands_first() -> None:
    found = drift(told(a=(100, 2, 0.1), b=(100, 5, 0.1)), told(a=(100, 3, 0.1), b=(100, 30, 0.4)))
    first = found.tools[0]
    assert (first.name, first.bad_before, first.bad_now) == ("b", 0.05, 0.3)
    assert first.bad_z > 4
    assert first.slower == pytest.approx(4.0)
    assert not found.tools[1].noticeable


def test_few_calls_are_no_evidence() -> None:
    found = drift(told(a=(2, 0, 0.1)), told(a=(2, 1, 0.1)))
    assert not found.tools[0].noticeable


def test_without_calls_there_is_no_divergence() -> None:
    assert drift(told(), told(a=(1, 0, 0.1))).divergence is None


def test_quantiles_are_values_that_occurred() -> None:
    assert quantiles([]) is None
    assert quantiles([3.0, 1.0, 2.0]) == {"p50": 2.0, "p95": 3.0, "max": 3.0}
    assert quantiles(float(value) for value in range(1, 101)) == {
        "p50": 50.0,
        "p95": 95.0,
        "max": 100.0,
    }
