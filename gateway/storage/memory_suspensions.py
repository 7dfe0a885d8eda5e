"""Suspended runs in the process's own memory: gone when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from gateway.storage.durable import Bounds, LeaseLost
from gateway.storage.runs import RunLog, RunStatus
from gateway.storage.suspensions import Resumable, Suspension, decided, following
from gateway.storage.waiting import Waiting


class MemorySuspensionStore:
    """A `SuspensionStore` of the newest `most` suspensions."""

    def __init__(self, most: int = 1_000, now: Callable[[], float] = time.time) -> None:
        self._kept: dict[tuple[str, str], Suspension] = {}
        self._most = most
        self._now = now

    async def put(self, suspension: Suspension) -> None:
        where = suspension.tenant, suspension.run_id
        self._kept[where] = following(self._kept.pop(where, None), suspension)
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    async def get(self, tenant: str, run_id: str) -> Suspension | None:
        return self._kept.get((tenant, run_id))

    async def decide(
        self, tenant: str, run_id: str, call_id: str, decision: dict[str, Any]
    ) -> Suspension:
        where = tenant, run_id
        self._kept[where] = changed = decided(self._kept.get(where), call_id, decision, self._now())
        return changed

    async def undecided(self, tenant: str, most: int) -> Sequence[Suspension]:
        mine = [each for each in self._undecided() if each.tenant == tenant]
        return sorted(mine, key=lambda each: (each.created_at, each.run_id))[:most]

    async def waiting(self) -> Waiting:
        return Waiting.of(each.created_at for each in self._undecided())

    def _undecided(self) -> list[Suspension]:
        now, held = self._now(), self._kept.values()
        return [each for each in held if each.status == "waiting" and each.expires_at > now]

    async def claim(self, going: Collection[str], most: int, bounds: Bounds) -> Sequence[Resumable]:
        del going, bounds
        free = [each for each in self._kept.values() if each.status == "decided"][:most]
        claimed = [replace(each, status="resuming") for each in free]
        self._kept |= {(each.tenant, each.run_id): each for each in claimed}
        return [Resumable(each, 0) for each in claimed]

    async def finish(self, log: RunLog, again: Suspension | None) -> None:
        self._require(log.tenant, log.run_id)
        if again is not None:
            await self.put(again)
        else:
            self._end(log.tenant, log.run_id)

    async def drop(self, held: Suspension, status: RunStatus, error: str) -> None:
        del status, error
        self._require(held.tenant, held.run_id)
        self._end(held.tenant, held.run_id)

    def _require(self, tenant: str, run_id: str) -> None:
        if (tenant, run_id) not in self._kept:
            raise LeaseLost(f"run {run_id} was deleted")

    def _end(self, tenant: str, run_id: str) -> None:
        where = tenant, run_id
        self._kept[where] = replace(self._kept[where], status="over", state={})

    def forget(self, tenant: str, run_id: str) -> None:
        """Drop what waits in a run."""
        self._kept.pop((tenant, run_id), None)

    async def aclose(self) -> None:
        """Nothing is open."""
