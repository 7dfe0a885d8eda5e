"""Many rows at once, as each driver takes them with the fewest steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, insert

from gateway.storage.sql.asynchronous import AsyncConnection

_MOST_VALUES = 30_000
"""In one statement: SQLite takes 32,766."""


async def insert_all(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Add rows that have the same columns each, with values as the driver takes them.

    On SQLite by one statement: its driver gives up Python's lock for each statement it runs, and a busy event loop
    keeps that for five milliseconds. A hundred rows one by one took half a second, in which more came than were written.
    """
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        await connection.execute(insert(table), [dict(row) for row in rows])
        return
    columns = list(rows[0])
    names = ", ".join(f'"{table.c[name].name}"' for name in columns)
    row_marks = f"({', '.join('?' * len(columns))})"
    at_once = _MOST_VALUES // len(columns)
    for begin in range(0, len(rows), at_once):
        some = rows[begin : begin + at_once]
        values = tuple([row[name] for row in some for name in columns])
        marks = ", ".join([row_marks] * len(some))
        sql = f'INSERT INTO "{table.name}" ({names}) VALUES {marks}'  # noqa: S608 - names of our own schema
        await connection.exec_driver_sql(sql, values)
