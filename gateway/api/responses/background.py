"""One response that runs without a client, for as many readers as like to watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from gateway.api.responses.creation import Creation
from gateway.api.responses.output import Event


class Background:
    """One response that runs without a client: its document as it is now, its events so far."""

    def __init__(self, creation: Creation) -> None:
        self.creation = creation
        self.document: dict[str, Any] = creation.head()
        self.task: asyncio.Task[None] | None = None
        self.is_over = False
        self._events: list[Event] = []
        self._changed = asyncio.Event()

    async def hear(self, events: Sequence[Event]) -> None:
        """Take the next events; wakes who follows."""
        self._events += events
        for event in reversed(events):
            if "response" in event:
                self.document = event["response"]
                break
        self._wake()

    def end(self, made: dict[str, Any] | None) -> None:
        """It is over and stored; `made` is how it ended, where that is known."""
        self.document = made or self.document
        self.is_over = True
        self._wake()

    async def follow(self, after: int) -> AsyncGenerator[Sequence[Event]]:
        """Its events with a `sequence_number` above `after`, those to come too, until it is over."""
        seen = max(after + 1, 0)
        while True:
            changed = self._changed
            if seen < len(self._events):
                batch = self._events[seen:]
                seen += len(batch)
                yield batch
            elif self.is_over:
                return
            else:
                await changed.wait()

    async def over(self) -> None:
        """Return when it is over."""
        while not self.is_over:
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
