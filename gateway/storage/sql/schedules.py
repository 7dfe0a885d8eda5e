"""Schedules in SQL. A fire's number is part of its key, so that nobody can write it twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, select, update

from gateway.storage.schedules import (
    RUNS_KEPT,
    Fire,
    FireTaken,
    Firing,
    Schedule,
    State,
    TooManySchedules,
)
from gateway.storage.sql.alone import alone
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.schema import schedule_fires, schedules
from gateway.storage.sql.text import decode, encode, key, plain
from gateway.storage.sql.waiting import waiting
from gateway.storage.waiting import Waiting

_C = schedules.c
_F = schedule_fires.c
_LOCK = 0x7363686564  # "sched"


class SqlScheduleStore:
    """A `ScheduleStore` over one database."""

    def __init__(self, database: Database) -> None:
        database.hold()
        self._database = database

    async def add(self, schedule: Schedule, most: int) -> None:
        mine = _C.tenant == key(schedule.tenant)
        row = {
            "tenant": key(schedule.tenant),
            "id": schedule.id,
            "tenant_name": encode(schedule.tenant),
            "created_at": schedule.created_at,
            "key": schedule.key,
            "role": schedule.role,
            "state": schedule.state,
            "reason": schedule.reason,
            "fires": schedule.fires,
            "next_at": schedule.next_at,
            "look_at": schedule.look_at,
            "last_response_id": schedule.last_response_id,
            "plan": encode(dict(schedule.plan)),
        }
        async with self._database.write(durable=True) as connection:
            await alone(connection, _LOCK)
            count = select(func.count()).select_from(schedules).where(mine)
            if (await connection.execute(count)).scalar_one() >= most:
                raise TooManySchedules(f"there are {most} schedules of this tenant")
            await connection.execute(insert(schedules).values(row))

    async def get(self, tenant: str, schedule_id: str) -> Schedule | None:
        async with self._database.read() as connection:
            found = select(schedules).where(_at(tenant, schedule_id))
            row = (await connection.execute(found)).first()
        return None if row is None else _read(row)

    async def list(self, tenant: str) -> Sequence[Schedule]:
        mine = select(schedules).where(_C.tenant == key(tenant))
        return await self._all(mine.order_by(_C.created_at.desc(), _C.id))

    async def move(
        self, schedule: Schedule, state: State, reason: str, next_at: float | None
    ) -> bool:
        look_at = next_at if state == "active" else None
        moved = update(schedules).where(_as_read(schedule)).values(
            state=state, reason=plain(reason), next_at=next_at, look_at=look_at
        )  # fmt: skip
        async with self._database.write(durable=True) as connection:
            return bool((await connection.execute(moved)).rowcount)

    async def edit(self, schedule: Schedule, changed: Schedule) -> bool:
        same_plan = _C.plan == encode(dict(schedule.plan))
        put = update(schedules).where(_as_read(schedule), same_plan).values(
            key=changed.key,
            role=changed.role,
            state=changed.state,
            reason=plain(changed.reason),
            next_at=changed.next_at,
            look_at=changed.look_at,
            plan=encode(dict(changed.plan)),
        )  # fmt: skip
        async with self._database.write(durable=True) as connection:
            return bool((await connection.execute(put)).rowcount)

    async def delete(self, tenant: str, schedule_id: str) -> bool:
        gone = delete(schedules).where(_at(tenant, schedule_id))
        async with self._database.write(durable=True) as connection:
            return bool((await connection.execute(gone)).rowcount)

    async def due(self, now: float, most: int) -> Sequence[Schedule]:
        found = select(schedules).where(_C.look_at <= now)
        return await self._all(found.order_by(_C.look_at, _C.id).limit(most))

    async def waiting(self, now: float) -> Waiting:
        overdue = and_(_C.state == "active", _C.next_at <= now)
        return await waiting(self._database, _C.next_at, overdue)

    async def put_off(self, schedule: Schedule, look_at: float) -> None:
        later = update(schedules).where(_as_read(schedule)).values(look_at=look_at)
        async with self._database.write() as connection:
            await connection.execute(later)

    async def claim(self, firing: Firing) -> None:
        async with self._database.write(durable=True) as connection:
            await self.claim_in(connection, firing)

    async def claim_in(self, connection: AsyncConnection, firing: Firing) -> None:
        """`claim` within a transaction of another store's."""
        fire, next_at = firing.fire, firing.next_at
        this = _at(fire.tenant, fire.schedule_id)
        mine = and_(
            this, _C.state == "active", _C.fires == fire.number - 1, _C.next_at == firing.was_at
        )
        moved = update(schedules).where(mine).values(
            state="active" if next_at is not None else "done",
            next_at=next_at,
            look_at=next_at,
            fires=fire.number,
            last_response_id=_C.last_response_id if fire.response_id is None else fire.response_id,
        )  # fmt: skip
        if not (await connection.execute(moved)).rowcount:
            raise FireTaken(f"fire {fire.number} of {fire.schedule_id} is not ours")
        row = {
            "tenant": key(fire.tenant),
            "schedule_id": fire.schedule_id,
            "number": fire.number,
            "due_at": fire.due_at,
            "since": fire.since,
            "fired_at": fire.fired_at,
            "outcome": fire.outcome,
            "reason": plain(fire.reason),
            "response_id": fire.response_id,
            "run_id": fire.run_id,
        }
        await connection.execute(insert(schedule_fires).values(row))
        old = _F.number <= fire.number - RUNS_KEPT
        of_it = _F.tenant == row["tenant"], _F.schedule_id == fire.schedule_id
        await connection.execute(delete(schedule_fires).where(*of_it, old))

    async def fires(self, tenant: str, schedule_id: str, most: int) -> Sequence[Fire]:
        mine = _F.tenant == key(tenant), _F.schedule_id == schedule_id
        newest = select(schedule_fires).where(*mine).order_by(_F.number.desc()).limit(most)
        async with self._database.read() as connection:
            rows = (await connection.execute(newest)).all()
        return [Fire(tenant, *row[1:]) for row in rows]

    async def aclose(self) -> None:
        await self._database.release()

    async def _all(self, query: Any) -> Sequence[Schedule]:
        async with self._database.read() as connection:
            return [_read(row) for row in await connection.execute(query)]


def _at(tenant: str, schedule_id: str) -> ColumnElement[bool]:
    return and_(_C.tenant == key(tenant), _C.id == key(schedule_id))


def _as_read(schedule: Schedule) -> ColumnElement[bool]:
    same_time = _C.look_at.is_not_distinct_from(schedule.look_at)
    same = _C.fires == schedule.fires, _C.state == schedule.state, same_time
    return and_(_at(schedule.tenant, schedule.id), *same)


def _read(row: Row[Any]) -> Schedule:
    return Schedule(
        tenant=decode(row.tenant_name),
        id=row.id,
        created_at=row.created_at,
        key=row.key,
        role=row.role,
        plan=decode(row.plan),
        next_at=row.next_at,
        look_at=row.look_at,
        state=row.state,
        reason=row.reason,
        fires=row.fires,
        last_response_id=row.last_response_id,
    )
