"""Writing the audit log behind the requests, and reading whether it is whole.

What changes who may do what (keys, tools) is written before it is answered. What policies decide in runs is
queued and written behind them, as their records are: a process that is killed loses what was decided in its last twentieth of a
second, and what was still being written.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass

from gateway.access.principal import Principal
from gateway.storage.audit import GENESIS, AuditStore, Entry, digest
from gateway.storage.errors import StorageUnavailable
from gateway.storage.memory_audit import MemoryAuditStore

_log = logging.getLogger("gateway.audit")
_MOST_WAITING = 10_000
_LINGER_S = 0.05
"""In which more is decided, and the answer goes out first: a transaction costs as much for one entry as for twenty."""


class AuditLog:
    """One for a process."""

    def __init__(self, store: AuditStore | None = None) -> None:
        self.store = store or MemoryAuditStore()
        self._waiting: deque[Entry] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    async def write(self, caller: Principal, action: str, what: str, run_id: str = "") -> None:
        """Something that was done, before it is answered. Raises `StorageUnavailable`."""
        who = caller.key, caller.tenant
        entry = Entry(time.time(), *who, action, what, "allow", run_id=run_id)
        await self.store.append([entry])

    def record(self, entry: Entry) -> None:
        """Something that was decided; written behind the request."""
        if len(self._waiting) >= _MOST_WAITING:
            _log.error("an entry of the audit log is lost: too many wait to be written")
            return
        self._waiting.append(entry)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush_soon(), name="audit log")

    async def aclose(self) -> None:
        """Write what waits, and close the store."""
        if self._task is not None:
            await self._task
        while self._waiting and await self._flush():
            pass
        await self.store.aclose()

    async def _flush_soon(self) -> None:
        written = True
        while self._waiting and written:
            await asyncio.sleep(_LINGER_S)
            written = await self._flush()

    async def _flush(self) -> bool:
        """Write what waits now; False where it can't be written."""
        async with self._writing:
            batch = list(self._waiting)
            try:
                await self.store.append(batch)
            except StorageUnavailable as error:
                _log.error("the audit log can't be written, %d wait: %s", len(batch), error)
                return False
            for _ in batch:
                self._waiting.popleft()
            return True


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found. `problem` names the first entry that does not fit, None where all do."""

    entries: int
    last: str
    problem: str | None = None


async def verify(store: AuditStore, anchor: tuple[int, str] | None = None) -> Verified:
    """Whether the log is whole; with an `anchor`, whether it holds that number with that digest."""
    number, before = 0, GENESIS
    while page := await store.page(number):
        for one in page:
            if one.number != number + 1:
                return Verified(number, before, f"entry {number + 1} is missing")
            if one.digest != digest(before, one.text):
                return Verified(number, before, f"entry {one.number} was changed")
            number, before = one.number, one.digest
            if anchor is not None and anchor[0] == number and anchor[1] != before:
                return Verified(number, before, f"entry {number} is not the one that was noted")
    if anchor is not None and anchor[0] > number:
        return Verified(number, before, f"it ends at {number}, and {anchor[0]} was noted")
    return Verified(number, before)
