"""Conversations in SQL. Items have positions that only grow; appending claims the next ones."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update

from gateway.storage.conversations import Conversation
from gateway.storage.items import Item, ItemPage, Page
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.item_pages import page_of
from gateway.storage.sql.responses import SqlResponseStore
from gateway.storage.sql.schema import conversation_items, conversations
from gateway.storage.sql.text import decode, encode, key

_C = conversations.c
_I = conversation_items.c
_FIRST_PAGE, _PAGE = 50, 500


class SqlConversationStore:
    """A `ConversationStore`. `responses` deletes what was answered in a deleted conversation."""

    def __init__(
        self,
        database: Database,
        responses: SqlResponseStore,
        now: Callable[[], float] = time.time,
    ) -> None:
        database.hold()
        self._database = database
        self._responses = responses
        self._now = now

    async def create(self, conversation: Conversation, items: Sequence[Item]) -> None:
        described = encode(dict(conversation.metadata))
        rows, size = _rows(conversation.tenant, conversation.id, items)
        async with self._database.write() as connection:
            await connection.execute(
                insert(conversations).values(
                    tenant=key(conversation.tenant),
                    id=key(conversation.id),
                    created_at=conversation.created_at,
                    used_at=self._now(),
                    next_position=len(rows),
                    size=size + len(described),
                    metadata=described,
                )
            )
            if rows:
                await connection.execute(insert(conversation_items), rows)

    async def get(self, tenant: str, conversation_id: str) -> Conversation | None:
        query = select(_C.created_at, _C.metadata).where(_is(tenant, conversation_id))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        return Conversation(tenant, conversation_id, row[0], decode(row[1]))

    async def describe(
        self, tenant: str, conversation_id: str, metadata: Mapping[str, str]
    ) -> Conversation | None:
        described = encode(dict(metadata))
        changed = (
            update(conversations)
            .where(_is(tenant, conversation_id))
            .values(
                metadata=described,
                used_at=self._now(),
                size=_C.size - func.length(_C.metadata) + len(described),
            )
            .returning(_C.created_at)
        )
        async with self._database.write() as connection:
            row = (await connection.execute(changed)).one_or_none()
        if row is None:
            return None
        return Conversation(tenant, conversation_id, row[0], dict(metadata))

    async def delete(self, tenant: str, conversation_id: str) -> bool:
        async with self._responses.deleting_those_of(tenant, conversation_id) as connection:
            gone = await connection.execute(
                delete(conversations).where(_is(tenant, conversation_id))
            )
        return gone.rowcount > 0

    async def append(self, tenant: str, conversation_id: str, items: Sequence[Item]) -> bool:
        async with self._database.write() as connection:
            return await self.append_in(connection, tenant, conversation_id, items)

    async def append_in(
        self,
        connection: AsyncConnection,
        tenant: str,
        conversation_id: str,
        items: Sequence[Item],
    ) -> bool:
        """`append`, as a part of a transaction."""
        rows, size = _rows(tenant, conversation_id, items)
        # Claiming the positions locks the row: concurrent appends come one after the other.
        claim = (
            update(conversations)
            .where(_is(tenant, conversation_id))
            .values(
                next_position=_C.next_position + len(rows),
                size=_C.size + size,
                used_at=self._now(),
            )
            .returning(_C.next_position)
        )
        end = (await connection.execute(claim)).scalar_one_or_none()
        if end is None:
            return False
        for row in rows:
            row["position"] += end - len(rows)
        if rows:
            await connection.execute(insert(conversation_items), rows)
        return True

    async def items(self, tenant: str, conversation_id: str, page: Page) -> ItemPage:
        async with self._database.read() as connection:
            within = _holds(tenant, conversation_id)
            return await page_of(connection, conversation_items, within, page)

    async def item(self, tenant: str, conversation_id: str, item_id: str) -> Item | None:
        query = (
            select(_I.item)
            .where(_holds(tenant, conversation_id), _I.item_id == key(item_id))
            .order_by(_I.position.desc())
            .limit(1)
        )
        async with self._database.read() as connection:
            found = (await connection.execute(query)).scalar_one_or_none()
        return None if found is None else decode(found)

    async def remove(self, tenant: str, conversation_id: str, item_id: str) -> bool:
        gone = (
            delete(conversation_items)
            .where(_holds(tenant, conversation_id), _I.item_id == key(item_id))
            .returning(func.length(_I.item))
        )
        async with self._database.write() as connection:
            sizes = (await connection.execute(gone)).scalars().all()
            if sizes:
                await connection.execute(
                    update(conversations)
                    .where(_is(tenant, conversation_id))
                    .values(size=_C.size - sum(sizes), used_at=self._now())
                )
        return bool(sizes)

    async def history(self, tenant: str, conversation_id: str) -> AsyncGenerator[Item]:
        query = (
            select(_I.position, _I.item)
            .where(_holds(tenant, conversation_id))
            .order_by(_I.position.desc())
        )
        rows = await self._fetch(query.limit(_FIRST_PAGE))
        while rows:
            for _, item in rows:
                yield decode(item)
            rows = await self._fetch(query.where(_I.position < rows[-1][0]).limit(_PAGE))

    async def aclose(self) -> None:
        await self._database.release()

    async def _fetch(self, query: Any) -> Sequence[Any]:
        async with self._database.read() as connection:
            return (await connection.execute(query)).all()


def _is(tenant: str, conversation_id: str) -> ColumnElement[bool]:
    return and_(_C.tenant == key(tenant), _C.id == key(conversation_id))


def _holds(tenant: str, conversation_id: str) -> ColumnElement[bool]:
    return and_(_I.tenant == key(tenant), _I.conversation_id == key(conversation_id))


def _rows(
    tenant: str, conversation_id: str, items: Sequence[Item]
) -> tuple[list[dict[str, Any]], int]:
    """The rows of items, with positions from 0 on, and their size together."""
    where = {"tenant": key(tenant), "conversation_id": key(conversation_id)}
    texts = [encode(dict(item)) for item in items]
    rows: list[dict[str, Any]] = [
        {**where, "position": place, "item_id": key(item["id"]), "item": text}
        for place, (item, text) in enumerate(zip(items, texts, strict=True))
    ]
    return rows, sum(map(len, texts))
