"""Runs in the process's own memory: bounded by count, by age and by size, gone when it ends."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import islice

from gateway.agent.events import Observation, TurnFinished
from gateway.agent.run import RunRequest
from gateway.storage.records import RunQuery, RunRecord, record_of
from gateway.storage.runs import Earlier, RunLog
from gateway.transcript.parts import characters_of


class MemoryRunStore:
    """A `RunStore` that keeps the newest `max_runs` runs for at most `max_age_s` seconds.

    `max_characters` bounds what is kept with them, conversations and results, as text. The bounds
    hold over all tenants together. A run that is still going is never dropped for its age; for count or size
    it may be, and then goes on without being findable. `dropped` is told tenant and id of each that goes for its
    age, or for want of room.
    """

    def __init__(
        self,
        *,
        max_runs: int = 1000,
        max_age_s: float = 3600.0,
        max_characters: int = 64 * 1024 * 1024,
        now: Callable[[], float] = time.time,
        dropped: Callable[[str, str], object] | None = None,
    ) -> None:
        self._max_runs = max_runs
        self._max_age_s = max_age_s
        self._max_characters = max_characters
        self._now = now
        self._dropped = dropped
        self._logs: OrderedDict[tuple[str, str], tuple[RunLog, int]] = OrderedDict()
        self._characters = 0

    def begin(self, request: RunRequest) -> RunLog:
        """Open a log; the oldest go when there are too many."""
        return self._open(RunLog(request, self._weigh))

    async def reopen(self, request: RunRequest) -> RunLog:
        """Go on with a log, as the newest."""
        before = await self.get(request.tenant, request.run_id)
        if before is None:
            return self.begin(request)
        earlier = await Earlier.of(before)
        self.forget(request.tenant, request.run_id)
        return self._open(RunLog(request, self._weigh, earlier))

    async def restart(self, request: RunRequest) -> RunLog:
        """Begin anew."""
        self.forget(request.tenant, request.run_id)
        return self.begin(request)

    def abandon(self, tenant: str, run_id: str) -> None:
        self.forget(tenant, run_id)

    def _open(self, log: RunLog) -> RunLog:
        request = log.request
        size = _asked(request)
        self._logs[request.tenant, request.run_id] = log, size
        self._characters += size
        self._drop_what_is_too_much()
        self._forget_the_old()
        return log

    async def get(self, tenant: str, run_id: str) -> RunLog | None:
        """One log, if this tenant has it."""
        self._forget_the_old()
        kept = self._logs.get((tenant, run_id))
        return kept[0] if kept else None

    async def recent(self, tenant: str, limit: int) -> Sequence[RunLog]:
        """A tenant's newest logs first."""
        self._forget_the_old()
        newest = (log for log, _ in reversed(self._logs.values()) if log.tenant == tenant)
        return list(islice(newest, limit))

    async def records(self, tenant: str, query: RunQuery, limit: int) -> Sequence[RunRecord]:
        self._forget_the_old()
        newest = (log for log, _ in reversed(self._logs.values()) if log.tenant == tenant)
        return [record_of(log) for log in islice(filter(query.covers, newest), limit)]

    def knows(self, tenant: str, run_id: str) -> bool:
        """Whether there is such a run."""
        return (tenant, run_id) in self._logs

    def forget(self, tenant: str, run_id: str) -> None:
        """Drop one run, if it is here."""
        _, size = self._logs.pop((tenant, run_id), (None, 0))
        self._characters -= size

    async def aclose(self) -> None:
        """Forget everything."""
        self._logs.clear()
        self._characters = 0

    def _forget_the_old(self) -> None:
        """Drop from the oldest end; stops at the first log that is young or still being written."""
        limit = self._now() - self._max_age_s
        while self._logs:
            oldest, _ = next(iter(self._logs.values()))
            if oldest.finished_at is None or oldest.finished_at > limit:
                return
            self._drop_oldest()

    def _weigh(self, log: RunLog) -> None:
        """A run has ended: what it brought counts from now on."""
        key = log.tenant, log.run_id
        if key in self._logs:
            brought = _brought(log)
            self._logs[key] = log, self._logs[key][1] + brought
            self._characters += brought
            self._drop_what_is_too_much()

    def _drop_what_is_too_much(self) -> None:
        while len(self._logs) > self._max_runs or self._characters > self._max_characters:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        where, (_, size) = self._logs.popitem(last=False)
        self._characters -= size
        if self._dropped is not None:
            self._dropped(*where)


def _asked(request: RunRequest) -> int:
    """Roughly what keeping a request costs: its conversation, in characters."""
    return sum(map(characters_of, request.messages))


def _brought(log: RunLog) -> int:
    """What the run added to that: its texts and its results, in characters."""
    size = 0
    for event in log.events:
        if isinstance(event, Observation):
            size += len(event.result.content)
        elif isinstance(event, TurnFinished):
            size += len(event.text)
    return size
