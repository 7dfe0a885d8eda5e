"""Keys in SQL. A key is looked up before its tenant is known, so its id alone is the primary key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import case, insert, or_, select, update

from gateway.storage.keys import Key
from gateway.storage.news import KEYS
from gateway.storage.sql.database import Database
from gateway.storage.sql.news import tell
from gateway.storage.sql.schema import api_keys

_C = api_keys.c


class SqlKeyStore:
    """A `KeyStore` over one database. Raises `StorageUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.hold()

    async def add(self, key: Key) -> None:
        async with self._database.write() as connection:
            await connection.execute(insert(api_keys), asdict(key))

    async def get(self, key_id: str) -> Key | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(api_keys).where(_C.id == key_id))).first()
        return None if row is None else Key(*row)

    async def list(self) -> Sequence[Key]:
        query = select(api_keys).order_by(_C.created_at.desc(), _C.id)
        async with self._database.read() as connection:
            return [Key(*row) for row in await connection.execute(query)]

    async def revoke(self, key_id: str, at: float) -> Key | None:
        mine = _C.id == key_id
        async with self._database.write() as connection:
            first = mine & _C.revoked_at.is_(None)
            await connection.execute(update(api_keys).where(first).values(revoked_at=at))
            await tell(connection, KEYS)
            row = (await connection.execute(select(api_keys).where(mine))).first()
        return None if row is None else Key(*row)

    async def rotate(self, old: str, new: Key, until: float) -> bool:
        later = or_(_C.expires_at.is_(None), _C.expires_at > until)
        ends = case((later, until), else_=_C.expires_at)
        sooner = update(api_keys).where(_C.id == old).values(expires_at=ends)
        async with self._database.write() as connection:
            if not (await connection.execute(sooner)).rowcount:
                return False
            await connection.execute(insert(api_keys), asdict(new))
            await tell(connection, KEYS)
        return True

    async def aclose(self) -> None:
        await self._database.release()
