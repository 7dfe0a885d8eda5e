"""How much of something may still be used: the seam behind rates, and its twin in the process.

What it is: a bucket for each key, full at first, that is emptied by use and fills evenly. `take` asks
before, `spend` tells afterwards what was used, which may be more than was left.
What it is not: shared between processes: each worker has its own buckets, so that several allow several
times as much. The hooks that ask are synchronous, so an implementation over a database holds a part of the
shared bucket as a lease, takes from it here, and renews it in the background.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

_MOST_BUCKETS = 100_000


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `most` at once, and `most` in `every_s` seconds in the long run."""

    most: float
    every_s: float

    @property
    def per_s(self) -> float:
        return self.most / self.every_s


class Allowance(Protocol):
    """Buckets by key. In process twin: `LocalAllowance`."""

    def take(self, key: str, rate: Rate, amount: float) -> float:
        """0.0 when `amount` was there and is taken; else nothing is, and after so many seconds it would be."""
        ...

    def spend(self, key: str, rate: Rate, amount: float) -> None:
        """What was used, whether it was there or not; the bucket may owe."""
        ...


class LocalAllowance:
    """Buckets of one process. `clock` gives seconds. Of too many the longest unused are forgotten (full)."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most: int = _MOST_BUCKETS
    ) -> None:
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, rate: Rate, amount: float) -> float:
        left = self._left(key, rate)
        if left >= amount and left > 0:
            self._keep(key, left - amount)
            return 0.0
        return (max(amount, min(1.0, rate.most)) - left) / rate.per_s

    def spend(self, key: str, rate: Rate, amount: float) -> None:
        self._keep(key, self._left(key, rate) - amount)

    def _left(self, key: str, rate: Rate) -> float:
        left, at = self._buckets.get(key, (rate.most, 0.0))
        return min(rate.most, left + (self._clock() - at) * rate.per_s)

    def _keep(self, key: str, left: float) -> None:
        self._buckets[key] = left, self._clock()
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
