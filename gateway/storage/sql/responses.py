"""Responses in SQL, with their items and events, and the chains that they hang in."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, insert, or_, select, update

from gateway.storage.items import Item, ItemPage, Page
from gateway.storage.responses import UNFINISHED, StoredResponse
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.chain_history import chain_history
from gateway.storage.sql.database import Database
from gateway.storage.sql.forgetting import delete_run
from gateway.storage.sql.item_pages import page_of
from gateway.storage.sql.runs import SqlRunStore
from gateway.storage.sql.schema import (
    chains,
    durable_runs,
    processes,
    response_events,
    response_items,
    responses,
)
from gateway.storage.sql.text import decode, encode, key

_C = responses.c
_I = response_items.c
_E = response_events.c
_WHOLE = (
    _C.tenant,
    _C.id,
    _C.run_id,
    _C.created_at,
    _C.document,
    _C.previous_id,
    _C.conversation_id,
)


class SqlResponseStore:
    """A `ResponseStore`. `run_store` keeps the runs of deleted responses from being written again."""

    def __init__(
        self,
        database: Database,
        run_store: SqlRunStore,
        now: Callable[[], float] = time.time,
    ) -> None:
        database.hold()
        self._database = database
        self._runs = run_store
        self._now = now

    async def create(self, response: StoredResponse, inputs: Sequence[Item]) -> None:
        async with self._database.write() as connection:
            await self.create_in(connection, response, inputs)

    async def create_in(
        self, connection: AsyncConnection, response: StoredResponse, inputs: Sequence[Item]
    ) -> None:
        """`create`, as a part of a transaction."""
        tenant = key(response.tenant)
        document = encode(dict(response.document))
        items = _items(response, inputs, 0, output=False)
        input_size = sum(len(row["item"]) for row in items)
        size = len(document) + input_size
        chain = await self._chain(connection, response, size)
        await connection.execute(
            insert(responses).values(
                tenant=tenant,
                id=key(response.id),
                chain_id=chain,
                previous_id=response.previous_id and key(response.previous_id),
                conversation_id=response.conversation_id and key(response.conversation_id),
                run_id=key(response.run_id),
                process=self._database.process.id,
                created_at=response.created_at,
                status=str(response.document.get("status")),
                inputs=len(items),
                input_size=input_size,
                item_count=len(items),
                size=size,
                document=document,
            )
        )
        if items:
            await connection.execute(insert(response_items), items)

    async def update(
        self,
        response: StoredResponse,
        outputs: Sequence[Item],
        events: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        async with self._database.write() as connection:
            await self.update_in(connection, response, outputs, events)

    async def update_in(
        self,
        connection: AsyncConnection,
        response: StoredResponse,
        outputs: Sequence[Item],
        events: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """`update`, as a part of a transaction."""
        document = encode(dict(response.document))
        told = _events(response, events)
        mine = _is(response.tenant, response.id)
        locked = (
            select(_C.inputs, _C.input_size, _C.size, _C.chain_id).where(mine).with_for_update()
        )
        row = (await connection.execute(locked)).one_or_none()
        if row is None:
            return
        inputs, input_size, before, chain = row
        kept = _item_of(response.tenant, response.id)
        await connection.execute(delete(response_items).where(kept, _I.output))
        await connection.execute(
            delete(response_events).where(_event_of(response.tenant, response.id))
        )
        items = _items(response, outputs, inputs, output=True)
        if items:
            await connection.execute(insert(response_items), items)
        if told:
            await connection.execute(insert(response_events), told)
        size = len(document) + input_size + sum(len(each["item"]) for each in items)
        size += sum(len(each["event"]) for each in told)
        await connection.execute(
            update(responses)
            .where(mine)
            .values(
                document=document,
                status=str(response.document.get("status")),
                item_count=inputs + len(items),
                size=size,
            )
        )
        await connection.execute(
            update(chains)
            .where(chains.c.tenant == key(response.tenant), chains.c.id == chain)
            .values(size=chains.c.size + size - before, used_at=self._now())
        )

    async def get(self, tenant: str, response_id: str) -> StoredResponse | None:
        query = select(*_WHOLE).where(_is(tenant, response_id))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _stored(row)

    async def delete(self, tenant: str, response_id: str) -> bool:
        return await self._delete(tenant, _is(tenant, response_id))

    @asynccontextmanager
    async def deleting_those_of(
        self, tenant: str, conversation_id: str
    ) -> AsyncGenerator[AsyncConnection]:
        """Deletes what was answered in a conversation; the body adds to the same transaction."""
        given = and_(_C.tenant == key(tenant), _C.conversation_id == key(conversation_id))
        async with self._deleting(tenant, given) as (connection, _):
            yield connection

    async def input_items(self, tenant: str, response_id: str, page: Page) -> ItemPage:
        async with self._database.read() as connection:
            within = and_(_item_of(tenant, response_id), _I.output.is_(False))
            return await page_of(connection, response_items, within, page)

    async def events(
        self, tenant: str, response_id: str, after: int
    ) -> tuple[Mapping[str, Any], ...]:
        query = (
            select(_E.event)
            .where(_event_of(tenant, response_id), _E.sequence_number > after)
            .order_by(_E.sequence_number)
        )
        async with self._database.read() as connection:
            return tuple(decode(each) for each in (await connection.execute(query)).scalars())

    def history(self, tenant: str, response_id: str) -> AsyncGenerator[Item]:
        return chain_history(self._database, tenant, response_id)

    async def unfinished(self, *, own: bool = True) -> tuple[StoredResponse, ...]:
        process = self._database.process
        dead = _C.process.not_in(select(processes.c.id))
        left = or_(dead, _C.process == process.id) if own else dead
        goes_on = exists().where(
            durable_runs.c.tenant == _C.tenant, durable_runs.c.run_id == _C.run_id
        )
        query = select(*_WHOLE).where(_C.status.in_(sorted(UNFINISHED)), left, ~goes_on)
        async with self._database.write() as connection:
            await process.bury(connection)
            return tuple(_stored(row) for row in await connection.execute(query))

    async def aclose(self) -> None:
        await self._database.release()

    async def _chain(self, connection: AsyncConnection, response: StoredResponse, size: int) -> str:
        """The chain that a new response hangs in: of the one before it, or its own."""
        tenant = key(response.tenant)
        if response.previous_id is not None:
            before = select(_C.chain_id).where(_is(response.tenant, response.previous_id))
            used = (
                update(chains)
                .where(chains.c.tenant == tenant, chains.c.id == before.scalar_subquery())
                .values(
                    used_at=self._now(),
                    responses=chains.c.responses + 1,
                    size=chains.c.size + size,
                )
                .returning(chains.c.id)
            )
            chain = (await connection.execute(used)).scalar_one_or_none()
            if chain is not None:
                return chain
        row = {"tenant": tenant, "used_at": self._now(), "responses": 1, "size": size}
        chain = key(response.id)
        await connection.execute(insert(chains).values(id=chain, **row))
        return chain

    async def _delete(self, tenant: str, which: ColumnElement[bool]) -> bool:
        async with self._deleting(tenant, which) as (_, found):
            return found

    @asynccontextmanager
    async def _deleting(
        self, tenant: str, which: ColumnElement[bool]
    ) -> AsyncGenerator[tuple[AsyncConnection, bool]]:
        """Deletes responses with their runs and with chains that have none left."""
        async with self._database.read() as connection:
            ids = (await connection.execute(select(_C.run_id).where(which))).scalars().all()
        async with (
            self._runs.forgetting((tenant, run_id) for run_id in ids),
            self._database.write() as connection,
        ):
            gone = delete(responses).where(which).returning(_C.chain_id, _C.run_id, _C.size)
            rows = (await connection.execute(gone)).all()
            for chain, run_id, size in rows:
                await delete_run(connection, key(tenant), run_id)
                hangs = and_(chains.c.tenant == key(tenant), chains.c.id == chain)
                less = {"responses": chains.c.responses - 1, "size": chains.c.size - size}
                await connection.execute(update(chains).where(hangs).values(less))
                await connection.execute(delete(chains).where(hangs, chains.c.responses <= 0))
            yield connection, bool(rows)


def _is(tenant: str, response_id: str) -> ColumnElement[bool]:
    return and_(_C.tenant == key(tenant), _C.id == key(response_id))


def _item_of(tenant: str, response_id: str) -> ColumnElement[bool]:
    return and_(_I.tenant == key(tenant), _I.response_id == key(response_id))


def _event_of(tenant: str, response_id: str) -> ColumnElement[bool]:
    return and_(_E.tenant == key(tenant), _E.response_id == key(response_id))


def _items(
    response: StoredResponse, items: Sequence[Item], begin: int, *, output: bool
) -> list[dict[str, Any]]:
    where = {"tenant": key(response.tenant), "response_id": key(response.id), "output": output}
    return [
        {**where, "position": place, "item_id": key(item["id"]), "item": encode(dict(item))}
        for place, item in enumerate(items, begin)
    ]


def _events(response: StoredResponse, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    where = {"tenant": key(response.tenant), "response_id": key(response.id)}
    return [
        {**where, "sequence_number": event["sequence_number"], "event": encode(dict(event))}
        for event in events
    ]


def _stored(row: Row[*tuple[Any, ...]]) -> StoredResponse:
    tenant, response_id, run_id, created_at, document, previous_id, conversation_id = row
    return StoredResponse(
        tenant, response_id, run_id, created_at, decode(document), previous_id, conversation_id
    )
