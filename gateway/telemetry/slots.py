"""How long turns wait for an engine in this process that takes so many at once.

llama.cpp serves turns in the order in which they came, as slots become free, and says nothing about it;
so the queue is followed here, from the beginnings and ends of turns alone. It is a model of the engine,
exact as long as every turn comes through the gateway. Engines elsewhere tell it themselves: vLLM's
`vllm:request_queue_time_seconds`.
"""

from __future__ import annotations

from collections.abc import Callable


class Slots:
    """The queue before `count` slots. `waited` is told each turn's wait, in seconds, when it is over."""

    def __init__(
        self, count: int, waited: Callable[[float], object], waiting: Callable[[int], object]
    ) -> None:
        self._free = count
        self._waited = waited
        self._waiting = waiting
        self._queue: dict[object, float] = {}  # in the order of arrival

    def enter(self, turn: object, now: float) -> None:
        """A turn is sent to the engine."""
        if self._free > 0:
            self._free -= 1
            self._waited(0.0)
            return
        self._queue[turn] = now
        self._waiting(len(self._queue))

    def leave(self, turn: object, now: float) -> None:
        """A turn has ended, or was given up while it waited."""
        if self._queue.pop(turn, None) is not None:
            self._waiting(len(self._queue))
            return
        if not self._queue:
            self._free += 1
            return
        first = next(iter(self._queue))
        since = self._queue.pop(first)
        self._waited(now - since)
        self._waiting(len(self._queue))
