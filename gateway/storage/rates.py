"""Rates that gateways share: buckets in the store, and what holds while it does not answer.

The store has half a second. If it does not answer, the gateway goes on with its own count, which it keeps
beside, and asks the store again a little later. So an outage of the store is none of the gateway, and what
several gateways allow in it is bounded by what each may allow alone. Money that must never be overdrawn is
not bounded by rates but by budgets, and those fail closed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.storage.errors import StorageUnavailable
from policies.allowance import Draw, LocalAllowance, merged

log = logging.getLogger("gateway.rates")

ANSWER_S = 0.5
"""How long the store may take."""
AGAIN_S = 5.0
"""For how long it is left alone after it did not answer."""
_MOST_EMPTY = 10_000


class Buckets(Protocol):
    """Buckets in a store. Raises `StorageUnavailable`."""

    async def take(self, draws: Sequence[Draw]) -> Sequence[float]: ...

    async def spend(self, draws: Sequence[Draw]) -> None: ...


class SharedAllowance:
    """An `Allowance` over buckets in a store. `clock` gives seconds.

    Of a bucket that was found empty the store is not asked again before there can be enough: whoever floods
    a gateway does not flood the store.
    """

    def __init__(
        self,
        buckets: Buckets,
        clock: Callable[[], float] = time.monotonic,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._buckets = buckets
        self._answer_s = answer_s
        self._clock = clock
        self._local = LocalAllowance(clock)
        self._asks_at = 0.0
        self._empty: OrderedDict[tuple[str, float], float] = OrderedDict()
        self._unpaid: list[Draw] = []
        self._paying: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None

    async def take(self, draws: Sequence[Draw]) -> Sequence[float]:
        now = self._clock()
        known = [max(self._empty.get((d.bucket, d.amount), now) - now, 0.0) for d in draws]
        if any(known):
            return known
        if now >= self._asks_at:
            try:
                async with asyncio.timeout(self._answer_s):
                    await self._paid(draws)
                    waits = await self._buckets.take(draws)
            except (StorageUnavailable, TimeoutError) as error:
                self._does_not_answer(error)
            else:
                self._know(draws, waits)
                return waits
        return await self._local.take(draws)

    def spend(self, draws: Sequence[Draw]) -> None:
        """The store hears of it behind the request."""
        if not draws:
            return
        self._local.spend(draws)
        if self._clock() < self._asks_at:
            return
        self._unpaid += draws
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._pay(), name="rates")

    async def aclose(self) -> None:
        """Write what was spent; before the store is closed."""
        if self._task is not None:
            await self._task

    def _know(self, draws: Sequence[Draw], waits: Sequence[float]) -> None:
        if not any(waits):
            self._local.spend(draws)
            return
        now = self._clock()
        for draw, wait_s in zip(draws, waits, strict=True):
            if wait_s:
                self._empty[draw.bucket, draw.amount] = now + wait_s
                self._empty.move_to_end((draw.bucket, draw.amount))
        while len(self._empty) > _MOST_EMPTY:
            self._empty.popitem(last=False)

    async def _paid(self, draws: Sequence[Draw]) -> None:
        """Who asks after something was spent here finds it taken."""
        buckets = {draw.bucket for draw in draws}
        unpaid = self._paying | {draw.bucket for draw in self._unpaid}
        if self._task is not None and buckets & unpaid:
            await asyncio.wait({self._task})

    async def _pay(self) -> None:
        while self._unpaid:
            draws, self._unpaid = merged(self._unpaid), []
            self._paying = frozenset(draw.bucket for draw in draws)
            try:
                async with asyncio.timeout(self._answer_s):
                    await self._buckets.spend(draws)
            except (StorageUnavailable, TimeoutError) as error:
                self._does_not_answer(error)
            finally:
                self._paying = frozenset()

    def _does_not_answer(self, error: Exception) -> None:
        self._asks_at = self._clock() + AGAIN_S
        log.warning("rates are counted by this process alone for now: %s", error or "no answer")
