"""The seam between runs and whatever watches them: one wrapper around the loop.

What it is: every surface runs requests through `services.loop`; `ObservedLoop` takes the loop's place
and shows each event to its observers before it passes it on unchanged.
What it is not: a place that may change, delay or end a run. Observers do no I/O and do not raise.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Literal, Protocol

from gateway.agent.events import RunEvent, RunFinished
from gateway.agent.loop import RequestDenied
from gateway.agent.run import Resumed, RunRequest
from gateway.services import Runner
from gateway.telemetry.logs import RUN

Ending = Literal["finished", "denied", "cancelled", "failed"]
"""How a run came to its end. `finished`: with a `RunFinished`, whatever its outcome."""


class Watch(Protocol):
    """Watches one run."""

    def see(self, event: RunEvent) -> None:
        """Take note of an event; on the hot path, called for each piece of text."""
        ...

    def end(self, ending: Ending, error: BaseException | None) -> None:
        """The run is over; nothing follows. Called exactly once."""
        ...


class Observer(Protocol):
    """Watches runs."""

    def begin(self, request: RunRequest) -> Watch:
        """A run is about to begin."""
        ...


class ObservedLoop:
    """A `Runner` that shows every run of `loop` to `observers`."""

    def __init__(self, loop: Runner, observers: Sequence[Observer]) -> None:
        self._loop = loop
        self._observer = observers[0] if len(observers) == 1 else _Observers(tuple(observers))

    async def run(
        self, request: RunRequest, resumed: Resumed | None = None
    ) -> AsyncGenerator[RunEvent]:
        """Yield what the loop yields, and raise what it raises."""
        RUN.set(request.run_id)
        watch = self._observer.begin(request)
        see = watch.see
        last: RunEvent | None = None
        failure: Exception | None = None
        try:
            async with aclosing(self._loop.run(request, resumed)) as events:
                async for last in events:
                    see(last)
                    yield last
        except Exception as error:
            failure = error
            raise
        finally:
            watch.end(_ending(last, failure), failure)


def _ending(last: RunEvent | None, failure: Exception | None) -> Ending:
    if failure is not None:
        return "denied" if isinstance(failure, RequestDenied) else "failed"
    return "finished" if isinstance(last, RunFinished) else "cancelled"


class _Observers:
    """Several as one; without any, nobody watches."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def begin(self, request: RunRequest) -> _Watches:
        return _Watches([observer.begin(request) for observer in self._observers])


class _Watches:
    """Several of one run."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._watches = watches

    def see(self, event: RunEvent) -> None:
        for watch in self._watches:
            watch.see(event)

    def end(self, ending: Ending, error: BaseException | None) -> None:
        for watch in self._watches:
            watch.end(ending, error)
