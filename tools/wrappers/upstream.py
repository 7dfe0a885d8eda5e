"""What calls to one upstream share: a breaker, and bounds on how many run at once and in a time.

What it is: `Upstream` is made once for everything that goes to the same place (all operations of an OpenAPI
document, or one tool) and given to the wrappers of each of its tools. It lives in one event loop.
What it is not: retries and timeouts, which belong to single calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tools.bounds import UNBOUNDED, UpstreamBounds
from tools.declared import BreakerKind
from tools.errors import ToolPaused, ToolTimeout
from tools.executor import CallContext, Executor
from tools.spec import ValidCall
from tools.wrappers.breaker import Breaker

Clock = Callable[[], float]


class Upstream:
    """One place that tools go to, named for the model, and what bounds the calls that reach it.

    Bounds that let nothing through are refused with `ValueError`.
    """

    def __init__(
        self, name: str, bounds: UpstreamBounds = UNBOUNDED, *, clock: Clock = time.monotonic
    ) -> None:
        most, pace = bounds.max_concurrent, bounds.max_per_minute
        if most is not None and most < 1:
            raise ValueError(f"max_concurrent of {name} is {most}, less than 1")
        if pace is not None and not pace > 0:
            raise ValueError(f"max_per_minute of {name} is {pace}, not above 0")
        circuit = bounds.breaker or BreakerKind()
        self.name = name
        self.bounds = bounds
        self.breaker = Breaker(
            name, failures=circuit.failures, pause_s=circuit.pause_s, clock=clock
        )
        self.slots = None if most is None else asyncio.Semaphore(most)
        self.pace = None if pace is None else Pace(60 / pace, clock)

    def for_one(self, name: str, own: UpstreamBounds) -> Upstream:
        """What one of its tools has with bounds of its own: the others it shares."""
        if own == UNBOUNDED:
            return self
        made = Upstream(name, own)
        if own.breaker is None:
            made.breaker = self.breaker
        if own.max_concurrent is None:
            made.slots = self.slots
        if own.max_per_minute is None:
            made.pace = self.pace
        made.bounds = own.over(self.bounds)
        return made


class Pace:
    """One start every `interval_s` seconds; who comes early is told how long to wait."""

    def __init__(self, interval_s: float, clock: Clock = time.monotonic) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._next = clock()

    def take(self, longest_s: float) -> float:
        """Take the next start and give the seconds until it; raises `ToolPaused` if it is too far.

        A start that is taken and then not used is lost, so the bound holds whatever is cancelled.
        """
        now = self._clock()
        start = max(self._next, now)
        if start - now > longest_s:
            raise ToolPaused(
                f"too many calls in a short time: the next is possible in {start - now:.0f} s"
            )
        self._next = start + self._interval_s
        return start - now


class Paced:
    """Begins calls no faster than the upstream's pace; who comes early waits for its turn."""

    def __init__(
        self,
        inner: Executor,
        upstream: Upstream,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._inner = inner
        self._upstream = upstream
        self._sleep = sleep

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """Raises `ToolPaused` when the turn would come too late."""
        if self._upstream.pace is not None:
            wait = self._upstream.pace.take(_patience(call, context))
            if wait > 0:
                await self._sleep(wait)
        return await self._inner.execute(call, context)


class Limited:
    """At most so many calls of an upstream at once; the others wait in order, as long as one may take."""

    def __init__(self, inner: Executor, upstream: Upstream) -> None:
        self._inner = inner
        self._upstream = upstream

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """Raises `ToolTimeout` with `sent=False` when no slot came free in time."""
        slots = self._upstream.slots
        if slots is None:
            return await self._inner.execute(call, context)
        try:
            async with asyncio.timeout(_patience(call, context)):
                await slots.acquire()
        except TimeoutError as error:
            raise ToolTimeout(
                f"{self._upstream.name} is busy; {call.name} was not started", sent=False
            ) from error
        try:
            return await self._inner.execute(call, context)
        finally:
            slots.release()


def _patience(call: ValidCall, context: CallContext) -> float:
    """Seconds that a call may wait before it begins: what an attempt may take, and never past the deadline."""
    if context.deadline is None:
        return call.tool.timeout_s
    left = context.deadline - asyncio.get_running_loop().time()
    return min(call.tool.timeout_s, max(left, 0.0))
