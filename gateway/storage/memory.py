"""Runs in the process's own memory: bounded by count and by age, gone when it ends."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import islice

from gateway.agent.run import RunRequest
from gateway.storage.runs import RunLog


class MemoryRunStore:
    """A `RunStore` that keeps the newest `max_runs` runs for at most `max_age_s` seconds.

    The bounds hold over all tenants together. A run that is still going is never dropped for its
    age, but may be for the count; it then goes on without being findable.
    """

    def __init__(
        self,
        *,
        max_runs: int = 1000,
        max_age_s: float = 3600.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._max_runs = max_runs
        self._max_age_s = max_age_s
        self._now = now
        self._logs: OrderedDict[tuple[str, str], RunLog] = OrderedDict()

    def begin(self, request: RunRequest) -> RunLog:
        log = RunLog(request)
        self._logs[request.tenant, request.run_id] = log
        while len(self._logs) > self._max_runs:
            self._logs.popitem(last=False)
        self._forget_the_old()
        return log

    async def get(self, tenant: str, run_id: str) -> RunLog | None:
        self._forget_the_old()
        return self._logs.get((tenant, run_id))

    async def recent(self, tenant: str, limit: int) -> Sequence[RunLog]:
        self._forget_the_old()
        newest = (log for log in reversed(self._logs.values()) if log.tenant == tenant)
        return list(islice(newest, limit))

    async def aclose(self) -> None:
        self._logs.clear()

    def _forget_the_old(self) -> None:
        """Drop from the oldest end; stops at the first log that is young or still being written."""
        limit = self._now() - self._max_age_s
        while self._logs:
            oldest = next(iter(self._logs.values()))
            if oldest.finished_at is None or oldest.finished_at > limit:
                return
            self._logs.popitem(last=False)
