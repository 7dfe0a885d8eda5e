"""A circuit breaker: an upstream that keeps failing is left alone for a while.

What it is: after so many failures in a row the circuit is open and calls are refused at once, which costs
neither the run's time nor the upstream's. After a pause one call is let through (half open): if it comes
back the circuit is closed, else the pause begins anew.
What counts as a failure: an attempt that could not be made or was not answered. A tool that says no, and
a tool with a bug, are there.
"""

from __future__ import annotations

import time
from asyncio import CancelledError, get_running_loop
from collections.abc import Callable
from typing import Any

from tools.errors import ToolPaused, ToolTimeout, ToolUnavailable
from tools.executor import CallContext, Executor
from tools.spec import ValidCall


class Breaker:
    """The state of one circuit, shared by everything that goes to the same upstream."""

    def __init__(
        self,
        name: str,
        *,
        failures: int,
        pause_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._most = failures
        self._pause_s = pause_s
        self._clock = clock
        self._failures = 0
        self._last = ""
        self._until: float | None = None
        self._probing = False

    def enter(self) -> bool:
        """Whether this attempt is the probe. Raises `ToolPaused` while the circuit is open."""
        if self._until is None:
            return False
        left = self._until - self._clock()
        if left > 0 or self._probing:
            soon = f"in {left:.0f} s" if left > 0 else "when a call that is under way comes back"
            raise ToolPaused(
                f"{self._name} failed {self._failures} times in a row and is not asked again now"
                f" ({self._last}); it is tried again {soon}: go on without it, or say that it is down"
            )
        self._probing = True
        return True

    def learn(self, error: BaseException | None, *, probe: bool) -> None:
        """What an attempt that was let through ended with; None: a value."""
        if probe:
            self._probing = False
        if error is None or _was_there(error):
            self._failures, self._until = 0, None
        elif _was_absent(error):
            self._failures += 1
            self._last = str(error)[:200]
            if self._failures >= self._most and (probe or self._until is None):
                self._until = self._clock() + self._pause_s


class Broken:
    """Asks an executor only while its circuit is closed."""

    def __init__(self, inner: Executor, breaker: Breaker) -> None:
        self._inner = inner
        self._breaker = breaker

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """Raises `ToolPaused` when the circuit is open, else what the executor raises."""
        probe = self._breaker.enter()
        try:
            value = await self._inner.execute(call, context)
        except BaseException as error:
            # A run whose own time is over says nothing about the upstream.
            over = context.deadline is not None and _now() >= context.deadline
            self._breaker.learn(CancelledError() if over else error, probe=probe)
            raise
        self._breaker.learn(None, probe=probe)
        return value


def _was_absent(error: BaseException) -> bool:
    """Not when it was never asked: a turn or a slot that did not come is the gateway's own doing."""
    if isinstance(error, ToolTimeout):
        return error.sent
    return isinstance(error, ToolUnavailable) and not isinstance(error, ToolPaused)


def _was_there(error: BaseException) -> bool:
    """Any other error, but for a call that was cancelled."""
    return isinstance(error, Exception) and not isinstance(error, ToolTimeout | ToolUnavailable)


def _now() -> float:
    return get_running_loop().time()
