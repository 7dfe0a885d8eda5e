"""Suspended runs in SQL: any gateway over the database can go on with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update

from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.schema import processes, suspensions
from gateway.storage.sql.text import decode, encode, key
from gateway.storage.suspensions import Suspension, SuspensionStore, decided

_C = suspensions.c
_MOST = 1000


class SqlSuspensionStore(SuspensionStore):
    """A `SuspensionStore`."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        database.hold()
        self._database = database
        self._now = now

    async def put(self, suspension: Suspension) -> None:
        tenant, run_id = suspension.tenant, suspension.run_id
        async with self._database.write(durable=True) as connection:
            earlier = await _read(connection, tenant, run_id)
            before = earlier.approvals if earlier else ()
            await connection.execute(delete(suspensions).where(_at(tenant, run_id)))
            await connection.execute(
                insert(suspensions).values(
                    tenant=key(tenant),
                    run_id=key(run_id),
                    process=self._database.process.id,
                    status=suspension.status,
                    step=suspension.step,
                    created_at=suspension.created_at,
                    expires_at=suspension.expires_at,
                    approvals=encode([*before, *suspension.approvals]),
                    state=encode({**suspension.state, "tenant": tenant, "run_id": run_id}),
                )
            )

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

    async def claim(self, tenant: str, run_id: str) -> Suspension | None:
        taken = (
            update(suspensions)
            .where(_at(tenant, run_id), _claimable())
            .values(status="resuming", process=self._database.process.id)
        )
        async with self._database.write(durable=True) as connection:
            if not (await connection.execute(taken)).rowcount:
                return None
            return await _read(connection, tenant, run_id)

    async def end(self, tenant: str, run_id: str) -> None:
        over = (
            update(suspensions)
            .where(_at(tenant, run_id), _C.status == "resuming")
            .values(status="over", state=encode({"tenant": tenant, "run_id": run_id}))
        )
        async with self._database.write() as connection:
            await connection.execute(over)

    async def stranded(self) -> Sequence[tuple[str, str]]:
        async with self._database.read() as connection:
            rows = await connection.execute(select(_C.state).where(_claimable()).limit(_MOST))
            states = [decode(row.state) for row in rows]
        return [(state["tenant"], state["run_id"]) for state in states]

    async def aclose(self) -> None:
        await self._database.release()


def _at(tenant: str, run_id: str) -> ColumnElement[bool]:
    return and_(_C.tenant == key(tenant), _C.run_id == key(run_id))


def _claimable() -> ColumnElement[bool]:
    dead = _C.process.not_in(select(processes.c.id))
    return or_(_C.status == "decided", and_(_C.status == "resuming", dead))


async def _read(connection: AsyncConnection, tenant: str, run_id: str) -> Suspension | None:
    columns = _C.status, _C.step, _C.created_at, _C.expires_at, _C.approvals, _C.state
    query = select(*columns).where(_at(tenant, run_id)).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    status, step, created_at, expires_at, approvals, state = row
    return Suspension(
        tenant,
        run_id,
        step,
        created_at,
        expires_at,
        tuple(decode(approvals)),
        decode(state),
        status,
    )
