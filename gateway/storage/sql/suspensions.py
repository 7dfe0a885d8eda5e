"""Suspended runs in SQL: any gateway over the database can go on with them, and take over from one that died.

A run that goes on has a row among the durable runs (`holding.py`), and its suspension is `resuming` for as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, insert, select, update

from gateway.storage.durable import Bounds
from gateway.storage.runs import RunLog, RunStatus
from gateway.storage.sql.alone import alone
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.free_runs import next_runs
from gateway.storage.sql.holding import CLAIM, NOBODY, hold, require_hold, this_run
from gateway.storage.sql.runs import SqlRunStore
from gateway.storage.sql.schema import durable_runs, runs, suspensions
from gateway.storage.sql.text import decode, encode, key, plain
from gateway.storage.sql.waiting import waiting
from gateway.storage.suspensions import (
    Resumable,
    Suspension,
    SuspensionStore,
    decided,
    following,
)
from gateway.storage.waiting import Waiting

_C = suspensions.c
_MOST = 100
_SUSPENSION = select(_C.status, _C.step, _C.created_at, _C.expires_at, _C.approvals, _C.state)


class SqlSuspensionStore(SuspensionStore):
    """A `SuspensionStore`. `run_store` adds the record of a run to the transaction that ends it."""

    def __init__(
        self, database: Database, run_store: SqlRunStore, now: Callable[[], float] = time.time
    ) -> None:
        database.hold()
        self._database = database
        self._runs = run_store
        self._now = now

    async def put(self, suspension: Suspension) -> None:
        async with self._database.write(durable=True) as connection:
            await self._put_in(connection, suspension)

    async def get(self, tenant: str, run_id: str) -> Suspension | None:
        async with self._database.read() as connection:
            return await _read(connection, tenant, run_id)

    async def decide(
        self, tenant: str, run_id: str, call_id: str, decision: dict[str, Any]
    ) -> Suspension:
        async with self._database.write(durable=True) as connection:
            kept = await _read(connection, tenant, run_id)
            changed = decided(kept, call_id, decision, self._now())
            await connection.execute(
                update(suspensions)
                .where(_at(tenant, run_id))
                .values(approvals=encode(list(changed.approvals)), status=changed.status)
            )
        return changed

    async def undecided(self, tenant: str, most: int) -> Sequence[Suspension]:
        mine = _SUSPENSION.where(_C.tenant == key(tenant), self._undecided())
        async with self._database.read() as connection:
            rows = await connection.execute(mine.order_by(_C.created_at, _C.run_id).limit(most))
            return [_suspension(row) for row in rows]

    async def waiting(self) -> Waiting:
        return await waiting(self._database, _C.created_at, self._undecided())

    def _undecided(self) -> ColumnElement[bool]:
        return and_(_C.status == "waiting", _C.expires_at > self._now())

    async def claim(self, going: Collection[str], most: int, bounds: Bounds) -> Sequence[Resumable]:
        names = tuple(sorted(key(each) for each in going))
        free = next_runs(self._me, names, most, bounds.of_tenant, decided=True)
        ready = self._ready
        async with self._database.read() as connection:  # most looks find nothing, and lock nothing
            looks = [(await connection.execute(each)).first() for each in (ready.limit(1), free)]
        if looks == [None, None]:
            return ()
        claimed: list[Resumable] = []
        async with self._database.write(durable=True) as connection:
            await alone(connection, CLAIM)
            await self._enqueue(connection, ready)
            for row in await hold(connection, self._me, free):
                kept = await _read(connection, decode(row.tenant_name), decode(row.run_name))
                claimed += [Resumable(kept, row.losses, row.cancelled)] if kept else []
        return claimed

    async def finish(self, log: RunLog, again: Suspension | None) -> None:
        async with self._runs.ending(log) as connection:
            await require_hold(connection, self._me, log.tenant, log.run_id)
            if again is not None:
                await self._put_in(connection, again)
            else:
                await _end(connection, log.tenant, log.run_id)
            await connection.execute(delete(durable_runs).where(this_run(log.tenant, log.run_id)))

    async def drop(self, held: Suspension, status: RunStatus, error: str) -> None:
        tenant, run_id = held.tenant, held.run_id
        ended = update(runs).values(status=status, error=plain(error), finished_at=self._now())
        async with self._database.write(durable=True) as connection:
            await require_hold(connection, self._me, tenant, run_id)
            this = runs.c.tenant == key(tenant), runs.c.id == key(run_id)
            await connection.execute(ended.where(*this))
            await _end(connection, tenant, run_id)
            await connection.execute(delete(durable_runs).where(this_run(tenant, run_id)))

    async def aclose(self) -> None:
        await self._database.release()

    @property
    def _me(self) -> str:
        return self._database.process.id

    async def _put_in(self, connection: AsyncConnection, suspension: Suspension) -> None:
        tenant, run_id = suspension.tenant, suspension.run_id
        kept = following(await _read(connection, tenant, run_id), suspension)
        await connection.execute(delete(suspensions).where(_at(tenant, run_id)))
        await connection.execute(
            insert(suspensions).values(
                tenant=key(tenant),
                run_id=key(run_id),
                process=self._me,
                status=kept.status,
                step=kept.step,
                created_at=kept.created_at,
                expires_at=kept.expires_at,
                approvals=encode(list(kept.approvals)),
                state=encode({**kept.state, "tenant": tenant, "run_id": run_id}),
            )
        )

    @cached_property
    def _ready(self) -> Select[str, str, str]:
        """Those that were decided, and of which nothing goes on or is still to be written."""
        same_run = and_(runs.c.tenant == _C.tenant, runs.c.id == _C.run_id)
        elsewhere = and_(runs.c.finished_at.is_(None), runs.c.process != self._me)
        same = and_(durable_runs.c.tenant == _C.tenant, durable_runs.c.run_id == _C.run_id)
        return (
            select(_C.tenant, _C.run_id, _C.state)
            .where(_C.status == "decided", ~exists().where(same))
            .where(~exists().where(same_run, elsewhere))
            .order_by(_C.created_at)
            .limit(_MOST)
        )

    async def _enqueue(self, connection: AsyncConnection, ready: Select[str, str, str]) -> None:
        for tenant, run_id, state in (await connection.execute(ready)).all():
            names = decode(state)
            this = _C.tenant == tenant, _C.run_id == run_id
            await connection.execute(update(suspensions).where(*this).values(status="resuming"))
            await connection.execute(
                insert(durable_runs).values(
                    tenant=tenant,
                    run_id=run_id,
                    tenant_name=encode(names["tenant"]),
                    run_name=encode(names["run_id"]),
                    process=NOBODY,
                    created_at=self._now(),
                    losses=0,
                    cancelled=False,
                    state=encode({}),
                )
            )


def _at(tenant: str, run_id: str) -> ColumnElement[bool]:
    return and_(_C.tenant == key(tenant), _C.run_id == key(run_id))


async def _end(connection: AsyncConnection, tenant: str, run_id: str) -> None:
    """Only its approvals stay."""
    over = {"status": "over", "state": encode({"tenant": tenant, "run_id": run_id})}
    await connection.execute(update(suspensions).where(_at(tenant, run_id)).values(over))


async def _read(connection: AsyncConnection, tenant: str, run_id: str) -> Suspension | None:
    query = _SUSPENSION.where(_at(tenant, run_id)).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _suspension(row)


def _suspension(row: Sequence[Any]) -> Suspension:
    status, step, created_at, expires_at, approvals, written = row
    state = decode(written)
    names = state.pop("tenant"), state.pop("run_id")
    calls = tuple(decode(approvals))
    return Suspension(*names, step, created_at, expires_at, calls, state, status)
