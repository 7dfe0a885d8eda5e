"""An engine made of recorded service times: for simulations in virtual time.

How fast it is with n turns at once, and how much of its KV cache they take, was measured
(`bench.tiers_live record`); between measured numbers it is interpolated. The turns that it runs share its
speed evenly; those beyond its places wait, by vLLM's `priority` and then by their coming.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import count, pairwise
from statistics import fmean
from typing import Any

from gateway.transcript.parts import words_of
from routing.backend import Completion, TextDelta, TokenCount, Turn
from routing.priority import rank

_DONE = 1e-9


@dataclass(frozen=True, slots=True)
class Level:
    """What was measured with so many turns at once. Times in seconds, `kv_cache` a share."""

    clients: int
    seconds: float
    latencies: tuple[float, ...]
    kv_cache: float

    @property
    def rate(self) -> float:
        """Turns a second."""
        return len(self.latencies) / self.seconds


@dataclass(frozen=True, slots=True)
class Recorded:
    """An engine, how many turns it takes at once, and what was measured with one, two, … of them."""

    engine: str
    places: int
    levels: tuple[Level, ...]

    @classmethod
    def read(cls, told: dict[str, Any]) -> Recorded:
        """From the file that `bench.tiers_live record` writes."""
        levels = (
            Level(each["clients"], each["seconds"], tuple(each["latencies"]), each["kv_cache"])
            for each in told["levels"]
        )
        return cls(told["engine"], told["places"], tuple(levels))

    def as_json(self) -> dict[str, Any]:
        """For that file; times to a tenth of a millisecond."""
        levels = [
            {
                "clients": each.clients,
                "seconds": round(each.seconds, 4),
                "latencies": [round(one, 4) for one in each.latencies],
                "kv_cache": round(each.kv_cache, 4),
            }
            for each in self.levels
        ]
        return {"engine": self.engine, "places": self.places, "levels": levels}

    @property
    def capacity(self) -> float:
        """Turns a second with all places taken."""
        return self.at(self.places)[0]

    def at(self, running: int) -> tuple[float, float]:
        """Turns a second, and the share of the KV cache, with so many turns at once."""
        first, last = self.levels[0], self.levels[-1]
        if running <= first.clients:
            share = running / first.clients
            return first.rate * share, first.kv_cache * share
        for low, high in pairwise(self.levels):
            if running <= high.clients:
                part = (running - low.clients) / (high.clients - low.clients)
                return (
                    low.rate + part * (high.rate - low.rate),
                    low.kv_cache + part * (high.kv_cache - low.kv_cache),
                )
        return last.rate, last.kv_cache

    def work(self, size: float) -> float:
        """How much more than a mean turn the one at `size` takes, 0 to 1, by the times of single turns."""
        times = sorted(self.levels[0].latencies)
        return times[min(int(size * len(times)), len(times) - 1)] / fmean(times)


class SimulatedEngine:
    """A `ModelBackend`. The size of a turn stands in its first message. `slowness` divides its speed."""

    accepts_images = False
    context_tokens = 8192

    def __init__(self, name: str, recorded: Recorded, slowness: float = 1.0) -> None:
        self.name = self.model = name
        self.recorded = recorded
        self.busy_s = 0.0
        """Seconds that places were busy, of all places together."""
        self._slowness = slowness
        self._running: dict[asyncio.Future[None], float] = {}
        self._waiting: list[tuple[int, int, asyncio.Future[None], float, float]] = []
        self._numbers = count()
        self._queued_s, self._begun, self._since = 0.0, 0, 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def stream(self, turn: Turn) -> AsyncGenerator[TextDelta | Completion, None]:
        """An answer when its work is done."""
        loop = asyncio.get_running_loop()
        work = self.recorded.work(float(words_of(turn.messages[0])))
        done: asyncio.Future[None] = loop.create_future()
        job = (rank(turn.priority), next(self._numbers), done, work, loop.time())
        heapq.heappush(self._waiting, job)
        self._go_on()
        await done
        yield Completion(text="Done.", model=self.model)

    async def metrics(self, within_s: float) -> str:
        """As vLLM tells them."""
        del within_s
        running = len(self._running)
        told = {
            "num_requests_running": running,
            "num_requests_waiting": len(self._waiting),
            "kv_cache_usage_perc": self.recorded.at(running)[1],
            "request_queue_time_seconds_sum": self._queued_s,
            "request_queue_time_seconds_count": self._begun,
        }
        return "".join(f"vllm:{name} {value}\n" for name, value in told.items())

    async def count_tokens(self, turn: Turn) -> TokenCount:
        """Nothing is counted here."""
        return TokenCount(0, (0,) * len(turn.messages))

    async def ready(self) -> bool:
        """Always."""
        return True

    async def aclose(self) -> None:
        """Nothing is open."""

    def _go_on(self) -> None:
        """Work done since the last time, who is ready, who may begin, when to look again."""
        loop = asyncio.get_running_loop()
        now, speed = loop.time(), self._speed()
        passed, self._since = now - self._since, now
        self.busy_s += passed * len(self._running)
        for done in list(self._running):
            self._running[done] -= passed * speed
            if self._running[done] <= _DONE:
                del self._running[done]
                done.set_result(None)
        while self._waiting and len(self._running) < self.recorded.places:
            _, _, done, work, came = heapq.heappop(self._waiting)
            self._running[done] = work
            self._queued_s += now - came
            self._begun += 1
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._running:
            self._timer = loop.call_later(min(self._running.values()) / self._speed(), self._go_on)

    def _speed(self) -> float:
        """Mean turns a second that each running turn makes."""
        running = len(self._running)
        return self.recorded.at(running)[0] / running / self._slowness if running else 0.0
