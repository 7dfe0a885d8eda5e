"""Registered tools in SQL, shared by all gateways that use the database.

One transaction at a time changes them, so revisions are seen in their order: whoever has seen one has
seen all before it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select

from gateway.storage.news import TOOLS
from gateway.storage.sql.alone import alone
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.news import tell
from gateway.storage.sql.schema import registered_tools
from gateway.storage.sql.text import decode, encode
from gateway.storage.tools import ToolRow

_LOCK = 0x746F6F6C73  # "tools"
_C = registered_tools.c


@dataclass(frozen=True, slots=True)
class _Change:
    connection: AsyncConnection
    revision: int
    missed: Sequence[ToolRow]

    async def keep(self, name: str, document: dict[str, Any], *, since: int | None) -> ToolRow:
        row = ToolRow(name, self.revision, self.revision if since is None else since, document)
        await self.connection.execute(delete(registered_tools).where(_C.name == name))
        await self.connection.execute(
            insert(registered_tools).values(
                name=name, revision=row.revision, since=row.since, document=encode(document)
            )
        )
        await tell(self.connection, TOOLS)
        return row


class SqlToolStore:
    """A `ToolStore` over one database."""

    def __init__(self, database: Database) -> None:
        database.hold()
        self._database = database

    @asynccontextmanager
    async def changing(self, seen: int) -> AsyncGenerator[_Change]:
        async with self._database.write(durable=True) as connection:
            await alone(connection, _LOCK)
            newest = (await connection.execute(select(func.max(_C.revision)))).scalar() or 0
            yield _Change(connection, newest + 1, await _after(connection, seen))

    async def after(self, seen: int) -> Sequence[ToolRow]:
        async with self._database.read() as connection:
            return await _after(connection, seen)

    async def aclose(self) -> None:
        await self._database.release()


async def _after(connection: AsyncConnection, seen: int) -> Sequence[ToolRow]:
    columns = _C.name, _C.revision, _C.since, _C.document
    query = select(*columns).where(_C.revision > seen).order_by(_C.since)
    rows = await connection.execute(query)
    return [ToolRow(row[0], row[1], row[2], decode(row[3])) for row in rows]
