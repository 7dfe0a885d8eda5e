"""The audit log in SQL: one row an entry, one writer at a time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from gateway.storage.audit import Chained, Entry, chained
from gateway.storage.sql.alone import alone
from gateway.storage.sql.database import Database
from gateway.storage.sql.insertion import insert_all
from gateway.storage.sql.schema import audit

_LOCK = 0x6175646974  # "audit"
_C = audit.c
_LAST = select(_C.number, _C.entry, _C.digest).order_by(_C.number.desc()).limit(1)


class SqlAuditStore:
    """An `AuditStore` over one database. Raises `StorageUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.hold()

    async def append(self, entries: Sequence[Entry]) -> None:
        async with self._database.write() as connection:
            await alone(connection, _LOCK)
            row = (await connection.execute(_LAST)).first()
            added = chained(Chained(*row) if row else None, entries)
            rows = [
                {"number": one.number, "entry": one.text, "digest": one.digest} for one in added
            ]
            await insert_all(connection, audit, rows)

    async def page(self, after: int, limit: int = 500) -> Sequence[Chained]:
        query = select(_C.number, _C.entry, _C.digest).where(_C.number > after)
        async with self._database.read() as connection:
            rows = await connection.execute(query.order_by(_C.number).limit(limit))
            return [Chained(*row) for row in rows]

    async def aclose(self) -> None:
        await self._database.release()
