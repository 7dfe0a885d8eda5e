"""An audit log in the process's own memory: the newest entries, gone when it ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from gateway.storage.audit import Chained, Entry, chained

_MOST = 10_000


class MemoryAuditStore:
    """An `AuditStore` for tests, and for a gateway that keeps nothing."""

    def __init__(self) -> None:
        self._log: deque[Chained] = deque(maxlen=_MOST)

    async def append(self, entries: Sequence[Entry]) -> None:
        self._log.extend(list(chained(self._log[-1] if self._log else None, entries)))

    async def page(self, after: int, limit: int = 500) -> Sequence[Chained]:
        return [one for one in self._log if one.number > after][:limit]

    async def aclose(self) -> None:
        self._log.clear()
