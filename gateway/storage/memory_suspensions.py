"""Suspended runs in the process's own memory: gone when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from gateway.storage.suspensions import Suspension, decided


class MemorySuspensionStore:
    """A `SuspensionStore` of the newest `most` suspensions."""

    def __init__(self, most: int = 1_000, now: Callable[[], float] = time.time) -> None:
        self._kept: dict[tuple[str, str], Suspension] = {}
        self._most = most
        self._now = now

    async def put(self, suspension: Suspension) -> None:
        where = suspension.tenant, suspension.run_id
        earlier = self._kept.pop(where, None)
        before = earlier.approvals if earlier else ()
        self._kept[where] = replace(suspension, approvals=(*before, *suspension.approvals))
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

    async def claim(self, tenant: str, run_id: str) -> Suspension | None:
        kept = self._kept.get((tenant, run_id))
        if kept is None or kept.status != "decided":
            return None
        self._kept[tenant, run_id] = claimed = replace(kept, status="resuming")
        return claimed

    async def end(self, tenant: str, run_id: str) -> None:
        kept = self._kept.get((tenant, run_id))
        if kept is not None and kept.status == "resuming":
            self._kept[tenant, run_id] = replace(kept, status="over", state={})

    async def stranded(self) -> Sequence[tuple[str, str]]:
        return [where for where, kept in self._kept.items() if kept.status == "decided"]

    def forget(self, tenant: str, run_id: str) -> None:
        """Drop what waits in a run."""
        self._kept.pop((tenant, run_id), None)

    async def aclose(self) -> None:
        """Nothing is open."""
