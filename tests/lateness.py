"""How late the machine itself is: a bound on time may allow for that, and for nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

_TICK_S = 0.01


@dataclass(slots=True)
class Lateness:
    """The longest that a timer came too late while it was watched, in seconds."""

    worst_s: float = 0.0


@asynccontextmanager
async def lateness() -> AsyncGenerator[Lateness]:
    """Watch a timer on this event loop for as long as the block runs."""
    seen = Lateness()
    clock = asyncio.get_running_loop().time

    async def watch() -> None:
        while True:
            due = clock() + _TICK_S
            try:
                await asyncio.sleep(_TICK_S)
            finally:  # the last one, too, which is cut short
                seen.worst_s = max(seen.worst_s, clock() - due)

    async with asyncio.TaskGroup() as group:
        meter = group.create_task(watch())
        try:
            yield seen
        finally:
            meter.cancel()
