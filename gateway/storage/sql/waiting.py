"""What waits in a table, as one statement."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, func, select

from gateway.storage.sql.database import Database
from gateway.storage.waiting import Waiting


async def waiting(database: Database, since: Column[float], which: ColumnElement[bool]) -> Waiting:
    """How many rows there are of which that is so, and the earliest of their times."""
    asked = select(func.count(), func.min(since)).where(which)
    async with database.read() as connection:
        count, earliest = (await connection.execute(asked)).one()
    return Waiting(count, earliest)
