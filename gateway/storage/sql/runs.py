"""Runs in SQL: live ones in the process, the others read back from their row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update

from gateway.agent.folding import fold
from gateway.agent.named_events import NamedEvent
from gateway.agent.run import RunRequest
from gateway.storage.records import RunQuery, RunRecord, record_of
from gateway.storage.runs import Earlier, RunHead, RunLog, RunStatus, RunView
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.run_writer import RunWriter
from gateway.storage.sql.schema import runs
from gateway.storage.sql.text import decode, key

_C = runs.c
_HEAD = (_C.tenant, _C.id, _C.role, _C.status, _C.created_at, _C.finished_at, _C.error)


@dataclass(frozen=True, slots=True)
class StoredHead:
    """A row of `runs` without its documents."""

    tenant: str
    run_id: str
    role: str
    status: RunStatus
    created_at: float
    finished_at: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class StoredRun(StoredHead):
    """A run from before, or of another process; `request` and `events` as they were written."""

    request: dict[str, Any]
    events: tuple[NamedEvent, ...]

    def trace(self) -> dict[str, Any]:
        return {"request": self.request, **fold(self.events)}

    async def follow(self) -> AsyncGenerator[NamedEvent]:
        for event in self.events:
            yield event


def _where(query: RunQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.since is not None:
        conditions.append(_C.created_at >= query.since)
    if query.until is not None:
        conditions.append(_C.created_at < query.until)
    if query.statuses:
        conditions.append(_C.status.in_(query.statuses))
    if query.before is not None:
        at, run_id = query.before
        same = and_(_C.created_at == at, _C.id < key(run_id))
        conditions.append(or_(_C.created_at < at, same))
    return conditions


def _record(row: Sequence[Any]) -> RunRecord:
    *head, request, events = row
    return RunRecord(*head, trace={"request": decode(request), **fold(_events(events))})


def _events(written: str | None) -> tuple[NamedEvent, ...]:
    return tuple(NamedEvent(*each) for each in decode(written or "[]"))


class SqlRunStore:
    """A `RunStore`. What is going on, or not written yet, is answered from the process."""

    def __init__(self, database: Database) -> None:
        database.hold()
        self._database = database
        self._writer = RunWriter(database)

    def begin(self, request: RunRequest) -> RunLog:
        """Open a log; its row is written soon."""
        return self._writer.begin(request)

    async def reopen(self, request: RunRequest) -> RunLog:
        """Go on with a run; its row is this process's from now on."""
        await self._writer.settled()
        before = await self.get(request.tenant, request.run_id)
        if before is None:
            return self.begin(request)
        earlier = await Earlier.of(before)
        await self._take(request)
        return self._writer.reopen(request, earlier)

    async def restart(self, request: RunRequest) -> RunLog:
        """Do a run again; its row is this process's from now on."""
        created_at = await self._take(request)
        if created_at is None:
            return self.begin(request)
        return self._writer.reopen(request, Earlier(created_at, ()))

    def abandon(self, tenant: str, run_id: str) -> None:
        self._writer.abandon(tenant, run_id)

    async def _take(self, request: RunRequest) -> float | None:
        """Make a run's row this process's; gives when the run began, None if there is no row."""
        taken = (
            update(runs)
            .where(_C.tenant == key(request.tenant), _C.id == key(request.run_id))
            .values(
                process=self._database.process.id, status="running", finished_at=None, error=None
            )
            .returning(_C.created_at)
        )
        async with self._database.write() as connection:
            return (await connection.execute(taken)).scalar_one_or_none()

    async def get(self, tenant: str, run_id: str) -> RunView | None:
        if (log := self._writer.log(tenant, run_id)) is not None:
            return log
        query = select(*_HEAD, _C.request, _C.events)
        async with self._database.read() as connection:
            found = await connection.execute(
                query.where(_C.tenant == key(tenant), _C.id == key(run_id))
            )
            row = found.one_or_none()
        if row is None:
            return None
        *head, request, events = row
        return StoredRun(*head, request=decode(request), events=_events(events))

    async def recent(self, tenant: str, limit: int) -> Sequence[RunHead]:
        """The newest first, those of this process and those that are written merged."""
        newest: dict[str, RunHead] = {log.run_id: log for log in self._writer.logs(tenant)}
        query = select(*_HEAD).where(_C.tenant == key(tenant))
        async with self._database.read() as connection:
            rows = await connection.execute(
                query.order_by(_C.created_at.desc(), _C.id.desc()).limit(limit)
            )
            for row in rows:
                newest.setdefault(row.id, StoredHead(*row))
        ordered = sorted(newest.values(), key=attrgetter("created_at", "run_id"), reverse=True)
        return ordered[:limit]

    async def records(self, tenant: str, query: RunQuery, limit: int) -> Sequence[RunRecord]:
        """As `recent`, whole; what the process knows better than its row is taken from the process."""
        live = {log.run_id: log for log in self._writer.logs(tenant)}
        found = [record_of(log) for log in live.values() if query.covers(log)]
        chosen = select(*_HEAD, _C.request, _C.events).where(
            _C.tenant == key(tenant), *_where(query)
        )
        async with self._database.read() as connection:
            rows = await connection.execute(
                # A row that a live log stands for may take a place, so there are as many more.
                chosen.order_by(_C.created_at.desc(), _C.id.desc()).limit(limit + len(live))
            )
            written = [row for row in rows if row.id not in live]
        # Beside the loop: many long runs take a while to become values.
        found += await asyncio.to_thread(lambda: [_record(row) for row in written[:limit]])
        found.sort(key=attrgetter("created_at", "run_id"), reverse=True)
        return found[:limit]

    @asynccontextmanager
    async def ending(self, log: RunLog) -> AsyncGenerator[AsyncConnection]:
        """The transaction that ends a durable run: the body writes its part, the record is added."""
        async with self._writer.ending(log) as connection:
            yield connection

    @asynccontextmanager
    async def forgetting(self, forgotten: Iterable[tuple[str, str]]) -> AsyncGenerator[None]:
        """While the body deletes the rows of these runs, none is written; and none afterwards."""
        async with self._writer.forgetting(forgotten):
            yield

    async def written(self, tenant: str, run_id: str) -> bool:
        """See to the row of a run that goes on here; False for any other, and one that was deleted."""
        return await self._writer.written(tenant, run_id)

    async def settled(self) -> None:
        """Wait until all that has happened so far is written."""
        await self._writer.settled()

    async def aclose(self) -> None:
        """Write what is not written yet, then let go of the database."""
        try:
            await self._writer.aclose()
        finally:
            await self._database.release()
