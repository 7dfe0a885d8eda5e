"""The ledger in the process's own memory: for tests, and for who keeps nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.storage.ledger import (
    OPEN,
    Begun,
    Busy,
    Entry,
    EntryState,
    Intent,
    Place,
    Receipt,
    Standing,
    way_of,
)
from gateway.storage.waiting import Waiting


class MemoryLedger:
    """A `Ledger` of at most `most` entries with a receipt; those without are never dropped."""

    def __init__(self, most: int = 10_000, now: Callable[[], float] = time.time) -> None:
        self._entries: dict[Place, Entry] = {}
        self._most = most
        self._now = now

    async def begin(self, intent: Intent) -> Begun | Standing | Busy:
        """In one process the turns of `gateway.agent.turns` keep writes apart: never `Busy`."""
        place = intent.place
        same = [
            entry
            for entry in self._of_run(place.tenant, place.run_id)
            if entry.intent.place == place or entry.intent.digest == intent.digest
        ]
        way = way_of(intent, same)
        if isinstance(way, Entry):
            return Standing(way)
        now = self._now()
        self._entries[place] = Entry(
            replace(intent, key=way.key), "begun", "", "", None, created_at=now, changed_at=now
        )
        self._drop_what_is_too_much()
        return way

    async def close(
        self, place: Place, receipt: Receipt, only: Sequence[EntryState] = OPEN
    ) -> Entry | None:
        entry = self._entries.get(place)
        if entry is None or entry.state not in only:
            return None
        self._entries[place] = closed = replace(
            entry,
            state=receipt.state,
            by=receipt.by,
            note=receipt.note,
            result=receipt.result,
            changed_at=self._now(),
        )
        return closed

    async def withdraw(self, place: Place) -> None:
        """Here `begin` never raises."""

    async def get(self, place: Place) -> Entry | None:
        return self._entries.get(place)

    async def of_run(self, tenant: str, run_id: str) -> Sequence[Entry]:
        return self._of_run(tenant, run_id)

    async def unknown(self, tenant: str | None, limit: int) -> Sequence[Entry]:
        waiting = [
            entry
            for entry in self._entries.values()
            if entry.state == "unknown" and tenant in (None, entry.intent.place.tenant)
        ]
        return waiting[:limit]

    async def waiting(self) -> Waiting:
        unknown = (each for each in self._entries.values() if each.state == "unknown")
        return Waiting.of(each.created_at for each in unknown)

    def forget(self, tenant: str, run_id: str) -> None:
        """Drop what a run did, but for what is not known yet."""
        for entry in self._of_run(tenant, run_id):
            if entry.state not in OPEN:
                del self._entries[entry.intent.place]

    async def aclose(self) -> None:
        """Nothing is open."""

    def _of_run(self, tenant: str, run_id: str) -> list[Entry]:
        wanted = tenant, run_id
        return [
            entry
            for entry in self._entries.values()
            if (entry.intent.place.tenant, entry.intent.place.run_id) == wanted
        ]

    def _drop_what_is_too_much(self) -> None:
        if len(self._entries) > 2 * self._most:
            closed = [place for place, entry in self._entries.items() if entry.state not in OPEN]
            for place in closed[: -self._most]:
                del self._entries[place]
