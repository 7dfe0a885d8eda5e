"""A bounded number of turns at once: whoever comes later waits, the most urgent first.

Of equals the one that came first goes first. What waits gives way to what is more urgent; what runs is not
stopped for it.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count

from routing.errors import BackendTimeout
from routing.priority import Priority, rank

_Waiter = tuple[int, int, asyncio.Future[None], float]
"""Rank, number, what it waits for, since when."""


class Admission:
    """Lets `most` turns in at once; None: all of them."""

    def __init__(self, most: int | None = None, name: str = "") -> None:
        self.most = most
        self._name = name
        self._running = 0
        self._queue: list[_Waiter] = []
        self._numbers = count()

    @property
    def running(self) -> int:
        """Turns that were let in."""
        return self._running

    @property
    def waiting(self) -> int:
        """Turns that were not let in yet."""
        return sum(not future.done() for _, _, future, _ in self._queue)

    def longest_wait_s(self, now: float) -> float:
        """Of those that wait, since when the first of them does; `now` by the event loop's clock."""
        return max(
            (now - since for _, _, future, since in self._queue if not future.done()), default=0
        )

    @asynccontextmanager
    async def place(self, priority: Priority, deadline: float | None) -> AsyncGenerator[None]:
        """A place for as long as the body lasts. Raises `BackendTimeout` when none is free by `deadline`."""
        await self._enter(priority, deadline)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, priority: Priority, deadline: float | None) -> None:
        if self.most is None or self._running < self.most:
            self._running += 1
            return
        loop = asyncio.get_running_loop()
        place = loop.create_future()
        heapq.heappush(self._queue, (rank(priority), next(self._numbers), place, loop.time()))
        try:
            async with asyncio.timeout_at(deadline):
                await place
        except (TimeoutError, asyncio.CancelledError) as gone:
            if place.cancelled():
                self._forget()
            else:  # it was given the place in the very moment in which it gave up
                self._leave()
            if isinstance(gone, TimeoutError):
                told = "no place for the turn in time"
                raise BackendTimeout(told, backend=self._name) from None
            raise

    def _leave(self) -> None:
        """The place goes to the most urgent of those that wait."""
        while self._queue:
            place = heapq.heappop(self._queue)[2]
            if not place.done():
                place.set_result(None)
                return
        self._running -= 1

    def _forget(self) -> None:
        """Those that gave up need not be kept until their turn comes."""
        self._queue = [each for each in self._queue if not each[2].done()]
        heapq.heapify(self._queue)
