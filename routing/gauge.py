"""An engine's load as it was told last, and for how long that may be believed.

A gauge is read in the background (`LoadWatch`), each time with a deadline; a turn never waits for it. What
is older than `stale_s` counts as not known.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from routing.engine_load import Reading, queue_s, read_metrics
from routing.errors import BackendError

log = logging.getLogger("routing.load")

Fetch = Callable[[float], Awaitable[str]]
"""Fetches an engine's metrics within so many seconds; raises `BackendError`."""


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """What is known of one engine: shares, seconds, and turns that others than this gateway gave it."""

    kv_cache: float | None
    queue_s: float | None
    elsewhere: int


class Gauge:
    """One engine's. `own` tells how many turns of this gateway it has now. Clocks are in seconds."""

    def __init__(
        self,
        name: str,
        fetch: Fetch,
        *,
        stale_s: float = 5.0,
        own: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.name = name
        self.own = own
        self._fetch = fetch
        self._stale_s = stale_s
        self._clock = clock
        self._reading: Reading | None = None
        self._queue_s: float | None = None
        self._elsewhere = 0
        self._silent = False

    def load(self) -> EngineLoad | None:
        """None where the engine has told nothing lately."""
        reading = self._reading
        if reading is None or self._now() - reading.at > self._stale_s:
            return None
        return EngineLoad(reading.kv_cache, self._queue_s, self._elsewhere)

    async def look(self, within_s: float) -> None:
        """Read the engine's metrics; when they can't be had, the last reading grows old."""
        asked_at, own = self._now(), self.own()
        try:
            async with asyncio.timeout(within_s):
                reading = read_metrics(await self._fetch(within_s), asked_at)
        except (BackendError, TimeoutError) as error:
            if not self._silent:
                log.warning("%s does not tell its load: %s", self.name, str(error) or "no answer")
            self._silent = True
            return
        if self._silent:
            log.info("%s tells its load again", self.name)
        self._silent = False
        self._queue_s = queue_s(self._reading, reading)
        self._elsewhere = max(reading.turns - own, 0)
        self._reading = reading

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()


class LoadWatch:
    """While its body runs, each gauge is read every `every_s` seconds, and `told` is called as often.

    `aclose` ends it earlier: before the engines' connections are closed.
    """

    def __init__(
        self, gauges: Sequence[Gauge], every_s: float, told: Callable[[], object] = lambda: None
    ) -> None:
        self._gauges = gauges
        self._every_s = every_s
        self._told = told
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        for gauge in self._gauges:
            self._begin(self._read(gauge), gauge.name)
        self._begin(self._tell(), "tiers")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(kind, error, traceback)

    async def aclose(self) -> None:
        """End what is being read."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, work: Coroutine[None, None, None], what: str) -> None:
        self._tasks.append(self._group.create_task(work, name=f"load of {what}"))

    async def _read(self, gauge: Gauge) -> None:
        while True:
            await gauge.look(self._every_s)
            await asyncio.sleep(self._every_s)

    async def _tell(self) -> None:
        while True:
            self._told()
            await asyncio.sleep(self._every_s)
