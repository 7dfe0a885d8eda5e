"""How much of something may still be used: the seam behind rates, and its twin in the process.

What it is: a bucket for each name, full at first, that is emptied by use and fills evenly. `take` asks
before, `spend` tells afterwards what was used, which may be more than was left.

A bucket is kept as the moment at which it will be full again. What is taken moves that moment on by the
time in which it flows in, and there was enough if the moment is then no further away than the time that a
whole bucket takes to fill. So one number is kept a bucket, and all is reckoned in whole nanoseconds.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

NS = 1_000_000_000
"""Nanoseconds in a second."""
_MOST_BUCKETS = 100_000


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `most` at once, and `most` in `every_s` seconds in the long run."""

    most: float
    every_s: float


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Draw:
    """`amount` out of the bucket of this name. With 0.0 it only has to hold anything at all.

    `rule` and `unit` are for people: which rule wants it, and what is counted.
    """

    bucket: str
    rate: Rate
    amount: float
    rule: str = ""
    unit: str = ""

    @property
    def span_ns(self) -> int:
        """In how much time the whole bucket fills."""
        return int(self.rate.every_s * NS)

    @property
    def cost_ns(self) -> int:
        """In how much time the amount flows in."""
        return int(self.amount * self.rate.every_s * NS / self.rate.most)

    def wait_s(self, debt_ns: int) -> float:
        """How long to wait when the bucket is full only after so much time; 0.0: it may be taken now."""
        return max(debt_ns + max(self.cost_ns, 1) - self.span_ns, 0) / NS


def merged(draws: Iterable[Draw]) -> list[Draw]:
    """One draw a bucket, of the sum of its amounts, always in the same order."""
    sums: dict[str, Draw] = {}
    for draw in draws:
        before = sums.get(draw.bucket)
        sums[draw.bucket] = (
            draw if before is None else replace(draw, amount=before.amount + draw.amount)
        )
    return [sums[bucket] for bucket in sorted(sums)]


class Allowance(Protocol):
    """Buckets by name. In process twin: `LocalAllowance`."""

    async def take(self, draws: Sequence[Draw]) -> Sequence[float]:
        """Take all of them, or nothing. How many seconds each would have to wait: zeros when taken.

        Each bucket stands in `draws` once (`merged`).
        """
        ...

    def spend(self, draws: Sequence[Draw]) -> None:
        """What was used, whether it was there or not; a bucket may owe. Who takes later knows of it."""
        ...

    async def aclose(self) -> None: ...


class LocalAllowance:
    """Buckets of one process. `clock` gives seconds. Of too many the longest unused are forgotten (full)."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most: int = _MOST_BUCKETS
    ) -> None:
        self._clock = clock
        self._most = most
        self._full_at: OrderedDict[str, int] = OrderedDict()

    async def take(self, draws: Sequence[Draw]) -> Sequence[float]:
        now = int(self._clock() * NS)
        waits = [draw.wait_s(self._debt(draw, now)) for draw in draws]
        if not any(waits):
            self.spend(draws)
        return waits

    def spend(self, draws: Sequence[Draw]) -> None:
        now = int(self._clock() * NS)
        for draw in draws:
            self._full_at[draw.bucket] = now + self._debt(draw, now) + draw.cost_ns
            self._full_at.move_to_end(draw.bucket)
            if len(self._full_at) > self._most:
                self._full_at.popitem(last=False)

    async def aclose(self) -> None:
        """Nothing is open."""

    def _debt(self, draw: Draw, now: int) -> int:
        return max(self._full_at.get(draw.bucket, now) - now, 0)
