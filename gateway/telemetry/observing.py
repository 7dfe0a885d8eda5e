"""The seam between runs and whatever watches them: one wrapper around the loop.

What it is: every surface runs requests through `services.loop`; `ObservedLoop` takes the loop's place
and shows each event to its observers before it passes it on unchanged.
What it is not: a place that may change, delay or end a run. Observers do no I/O and do not raise.
"""

from __future__ import annotations

import asyncio
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
        self._observers = tuple(observers)

    async def run(
        self, request: RunRequest, resumed: Resumed | None = None
    ) -> AsyncGenerator[RunEvent]:
        """Yield what the loop yields, and raise what it raises."""
        RUN.set(request.run_id)
        watches = [observer.begin(request) for observer in self._observers]
        ending: Ending = "cancelled"
        failure: BaseException | None = None
        try:
            async with aclosing(self._loop.run(request, resumed)) as events:
                async for event in events:
                    for watch in watches:
                        watch.see(event)
                    if isinstance(event, RunFinished):
                        ending = "finished"
                    yield event
        except (GeneratorExit, asyncio.CancelledError):
            raise
        except RequestDenied as denied:
            ending, failure = "denied", denied
            raise
        except Exception as error:
            ending, failure = "failed", error
            raise
        finally:
            for watch in watches:
                watch.end(ending, failure)
