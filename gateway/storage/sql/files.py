"""Files in SQL, in pieces: written in one transaction, read piece by piece.

A file hangs on the row of its run, and goes with it, whoever deletes that. No reader holds a connection for as long
as a client takes to read.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, tuple_

from gateway.storage.files import (
    LEAST,
    PIECE,
    FileBounds,
    FileStore,
    StoredFile,
    handle_of,
    head_of,
)
from gateway.storage.sql.alone import alone_with
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.runs import SqlRunStore
from gateway.storage.sql.schema import run_file_pieces, run_files, runs
from gateway.storage.sql.text import key, plain
from tools.files import FileContent

_F = run_files.c
_P = run_file_pieces.c
_SEED = 2
"""Apart from the ledger's, which locks names of its own."""


class SqlFileStore(FileStore):
    """A `FileStore`. `run_store` sees to the row of a run that has just begun."""

    def __init__(
        self,
        database: Database,
        run_store: SqlRunStore,
        bounds: FileBounds,
        now: Callable[[], float] = time.time,
    ) -> None:
        database.hold()
        self._database = database
        self._runs = run_store
        self._bounds = bounds
        self._now = now

    async def put(self, tenant: str, run_id: str, file: FileContent) -> str | None:
        handle, head, bounds = handle_of(file), head_of(file), self._bounds
        size = max(head.size, LEAST)
        if head.size > bounds.of_one or size > min(bounds.of_run, bounds.of_tenant):
            return None
        if not await self._runs.written(tenant, run_id):
            return None
        where = {"tenant": key(tenant), "run_id": key(run_id), "handle": handle}
        this_run = and_(runs.c.tenant == where["tenant"], runs.c.id == where["run_id"])
        async with self._database.write() as connection:
            await alone_with(connection, where["tenant"], _SEED)  # two that count would count wrong
            there = select(runs.c.id).where(this_run).with_for_update(read=True, key_share=True)
            if (await connection.execute(there)).first() is None:
                return None  # deleted meanwhile
            known = select(_F.size).where(_at(tenant, run_id, handle))
            if (await connection.execute(known)).first() is not None:
                return handle
            of_run = and_(_F.tenant == where["tenant"], _F.run_id == where["run_id"])
            if await _kept(connection, of_run) + size > bounds.of_run:
                return None
            await self._make_room(connection, where["tenant"], bounds.of_tenant - size)
            row = insert(run_files).values(
                **where,
                created_at=self._now(),
                counted=size,
                size=head.size,
                media_type=plain(head.media_type),
            )
            await connection.execute(row)
            for number, start in enumerate(range(0, head.size, PIECE)):
                piece = {"number": number, "data": file.data[start : start + PIECE]}
                await connection.execute(insert(run_file_pieces).values(**where, **piece))
        return handle

    async def get(self, tenant: str, run_id: str, handle: str) -> StoredFile | None:
        query = select(_F.media_type, _F.size).where(_at(tenant, run_id, handle))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else StoredFile(*row)

    async def pieces(self, tenant: str, run_id: str, handle: str) -> AsyncGenerator[bytes]:
        names = zip((_P.tenant, _P.run_id, _P.handle), _keys(tenant, run_id, handle), strict=True)
        this = and_(*(column == value for column, value in names))
        number = 0
        while True:
            query = select(_P.data).where(this, _P.number == number)
            async with self._database.read() as connection:
                piece = (await connection.execute(query)).scalar_one_or_none()
            if piece is None:
                return
            yield piece
            number += 1

    async def aclose(self) -> None:
        await self._database.release()

    async def _make_room(self, connection: AsyncConnection, tenant: str, most: int) -> None:
        """Delete a tenant's oldest files, until no more than `most` bytes are left."""
        if await _kept(connection, _F.tenant == tenant) <= most:
            return
        newest_first = _F.created_at.desc(), _F.run_id, _F.handle
        reckoned = func.sum(_F.counted).over(order_by=newest_first).label("bytes")
        ranked = select(_F.run_id, _F.handle, reckoned).where(_F.tenant == tenant).subquery()
        over = select(ranked.c.run_id, ranked.c.handle).where(ranked.c.bytes > most)
        this = tuple_(_F.run_id, _F.handle)
        await connection.execute(delete(run_files).where(_F.tenant == tenant, this.in_(over)))


async def _kept(connection: AsyncConnection, which: ColumnElement[bool]) -> int:
    total = select(func.coalesce(func.sum(_F.counted), 0)).where(which)
    return int((await connection.execute(total)).scalar_one())


def _keys(tenant: str, run_id: str, handle: str) -> tuple[str, str, str]:
    return key(tenant), key(run_id), key(handle)


def _at(tenant: str, run_id: str, handle: str) -> ColumnElement[bool]:
    wanted = zip((_F.tenant, _F.run_id, _F.handle), _keys(tenant, run_id, handle), strict=True)
    return and_(*(column == value for column, value in wanted))
