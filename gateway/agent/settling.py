"""Behind the requests: what is unknown is settled by its tool's read-back, as soon as that answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gateway.agent.writes import Writes
from gateway.storage.errors import StorageUnavailable

log = logging.getLogger("gateway.effects")

_EVERY_S = 30.0
_MOST = 1000


@asynccontextmanager
async def settling(writes: Writes, every_s: float = _EVERY_S) -> AsyncGenerator[None]:
    """While the body runs, the read-backs of what is unknown are asked: at once, then every `every_s`."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_settle(writes, every_s), name="settling of effects")
        try:
            yield
        finally:
            task.cancel()


async def _settle(writes: Writes, every_s: float) -> None:
    while True:
        try:
            for entry in await writes.ledger.unknown(None, _MOST):
                settled = await writes.settle(entry)
                if settled.state != "unknown":
                    log.info(
                        "effect %s of run %s: %s",
                        entry.intent.place.id,
                        entry.intent.place.run_id,
                        settled.note,
                    )
        except StorageUnavailable as error:
            log.warning("settling effects has to wait: %s", error)
        await asyncio.sleep(every_s)
