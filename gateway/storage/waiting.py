"""How much waits in a store, and for how long: what an operator watches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many of all tenants, the oldest of them since then: seconds since the epoch, None where nothing waits."""

    count: int = 0
    since: float | None = None

    @classmethod
    def of(cls, times: Iterable[float]) -> Waiting:
        """Of the times since when each waits."""
        known = list(times)
        return cls(len(known), min(known, default=None))
