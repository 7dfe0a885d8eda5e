"""The ledger in SQL, beside the runs: an intent is on the disk before its effect begins."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, insert, or_, select, update

from gateway.storage.durable import LeaseLost
from gateway.storage.errors import StorageUnavailable
from gateway.storage.ledger import (
    HOLDS_S,
    OPEN,
    WITHDRAWN,
    Begun,
    Busy,
    Entry,
    EntryState,
    Intent,
    Ledger,
    Place,
    Receipt,
    Standing,
    way_of,
)
from gateway.storage.sql.alone import alone_with
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.schema import durable_runs, effects
from gateway.storage.sql.text import decode, encode, key, plain
from gateway.storage.sql.waiting import waiting
from gateway.storage.waiting import Waiting

_C = effects.c
_ENTRY = (
    _C.tenant_name,
    _C.run_name,
    _C.id,
    _C.tool,
    _C.key,
    _C.state,
    _C.settled_by,
    _C.note,
    _C.created_at,
    _C.changed_at,
    _C.arguments,
    _C.result,
)
_MOST_OF_RUN = 1000


class SqlLedger(Ledger):
    """A `Ledger`. Entries without a receipt that a dead process left are `unknown` (`processes.py`)."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        database.hold()
        self._database = database
        self._now = now
        self._unsure: dict[Place, float] = {}

    async def begin(self, intent: Intent) -> Begun | Standing | Busy:
        now = self._now()
        try:
            return await self._begin(intent, now)
        except StorageUnavailable:
            self._unsure[intent.place] = now  # a commit may have gone through unheard
            raise

    async def _begin(self, intent: Intent, now: float) -> Begun | Standing | Busy:
        place, digest = intent.place, intent.digest
        same = select(*_ENTRY).where(
            _of(place.tenant, place.run_id), or_(_C.digest == digest, _C.id == key(place.id))
        )
        async with self._database.write(durable=True) as connection:
            await self._require_hold(connection, place)
            if intent.resource:  # always this one first, so that nobody waits in a circle
                name = f"{key(place.tenant)}:{_digest(intent.resource)}"
                await alone_with(connection, name, seed=1)
            await alone_with(connection, f"{place.run_id}:{digest}", seed=0)
            rows = (await connection.execute(same.order_by(_C.created_at))).all()
            way = way_of(intent, [_entry(row) for row in rows])
            if isinstance(way, Entry):
                return Standing(way)
            if intent.resource and await self._is_held(connection, intent, now):
                return Busy()
            # What was settled as not done gives its place to the new attempt.
            await connection.execute(delete(effects).where(_at(place)))
            await connection.execute(
                insert(effects).values(
                    tenant=key(place.tenant),
                    run_id=key(place.run_id),
                    id=key(place.id),
                    tenant_name=encode(place.tenant),
                    run_name=encode(place.run_id),
                    process=self._database.process.id,
                    digest=digest,
                    resource=_digest(intent.resource),
                    tool=intent.tool,
                    key=encode(way.key),
                    state="begun",
                    settled_by="",
                    note="",
                    created_at=now,
                    changed_at=now,
                    arguments=encode(intent.arguments),
                )
            )
        return way

    async def _require_hold(self, connection: AsyncConnection, place: Place) -> None:
        """A durable run that another process has taken over begins nothing here any more."""
        run = durable_runs.c
        holder = select(run.process).where(
            run.tenant == key(place.tenant), run.run_id == key(place.run_id)
        )
        found = (await connection.execute(holder.with_for_update())).scalar_one_or_none()
        if found not in (None, self._database.process.id):
            raise LeaseLost(f"run {place.run_id} is another process's")

    async def close(
        self, place: Place, receipt: Receipt, only: Sequence[EntryState] = OPEN
    ) -> Entry | None:
        which = _at(place)
        if receipt.by == "tool":  # who took the run over may have begun it here anew
            which = and_(which, _C.process == self._database.process.id)
        return await self._close(which, receipt, only)

    async def withdraw(self, place: Place) -> None:
        if (begun_at := self._unsure.get(place)) is not None:
            mine = _C.process == self._database.process.id, _C.created_at == begun_at
            await self._close(and_(_at(place), *mine), WITHDRAWN, OPEN)
            del self._unsure[place]

    async def _close(
        self, which: ColumnElement[bool], receipt: Receipt, only: Sequence[EntryState]
    ) -> Entry | None:
        changed = (
            update(effects)
            .where(which, _C.state.in_(only))
            .values(
                state=receipt.state,
                settled_by=receipt.by,
                note=plain(receipt.note),
                result=None if receipt.result is None else encode(receipt.result),
                changed_at=self._now(),
            )
            .returning(*_ENTRY)
        )
        async with self._database.write(durable=True) as connection:
            row = (await connection.execute(changed)).one_or_none()
        return None if row is None else _entry(row)

    async def get(self, place: Place) -> Entry | None:
        found = await self._read(_at(place), 1)
        return found[0] if found else None

    async def of_run(self, tenant: str, run_id: str) -> Sequence[Entry]:
        return await self._read(_of(tenant, run_id), _MOST_OF_RUN)

    async def unknown(self, tenant: str | None, limit: int) -> Sequence[Entry]:
        unknown: ColumnElement[bool] = _C.state == "unknown"
        if tenant is not None:
            unknown = and_(_C.tenant == key(tenant), unknown)
        return await self._read(unknown, limit)

    async def waiting(self) -> Waiting:
        return await waiting(self._database, _C.created_at, _C.state == "unknown")

    async def aclose(self) -> None:
        await self._database.release()

    async def _is_held(self, connection: AsyncConnection, intent: Intent, now: float) -> bool:
        """Whether another gateway changes the resource; within this one, its own turns decide."""
        held = exists().where(
            _C.tenant == key(intent.place.tenant),
            _C.resource == _digest(intent.resource),
            _C.state == "begun",
            _C.process != self._database.process.id,
            _C.changed_at > now - HOLDS_S,
        )
        return bool((await connection.execute(select(held))).scalar())

    async def _read(self, which: ColumnElement[bool], limit: int) -> list[Entry]:
        query = select(*_ENTRY).where(which).order_by(_C.created_at, _C.id).limit(limit)
        async with self._database.read() as connection:
            return [_entry(row) for row in await connection.execute(query)]


def _of(tenant: str, run_id: str) -> ColumnElement[bool]:
    return and_(_C.tenant == key(tenant), _C.run_id == key(run_id))


def _at(place: Place) -> ColumnElement[bool]:
    return and_(_of(place.tenant, place.run_id), _C.id == key(place.id))


def _digest(resource: str) -> str:
    """As short as an index likes it; "" for none."""
    named = resource.encode(errors="surrogatepass")
    return hashlib.sha256(named).hexdigest() if resource else ""


def _entry(row: Sequence[Any]) -> Entry:
    tenant, run, name, tool, idempotency, state, by, note, created, changed, arguments, result = row
    place = Place(decode(tenant), decode(run), name)
    intent = Intent(place, tool, decode(arguments), decode(idempotency))
    brought = None if result is None else decode(result)
    return Entry(intent, state, by, note, brought, created, changed)
