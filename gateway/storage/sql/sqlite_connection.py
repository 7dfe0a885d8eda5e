"""A connection to SQLite that asks its thread once for a statement, and for a transaction's begin with its first.

aiosqlite asks it for a cursor, for the statement, for the rows and for the cursor's end, each a way to the
thread and back: behind a busy event loop that takes a round of its requests and up to five milliseconds
in which it keeps Python's lock. A transaction that adds rows had twelve of them, and has two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import aiosqlite

_Values = Sequence[Any]
_CHUNK = 64
"""Rows that aiosqlite would read at a time, of a cursor of its own; nobody has one here."""


class _Done(NamedTuple):
    """What a statement brought. As DB-API 2.0 (PEP 249) names it."""

    rows: list[Any]
    description: Any
    rowcount: int
    lastrowid: int | None


class WholeCursor:
    """What SQLAlchemy's dialect needs of a cursor: statements whose rows are there when they are done."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run
        self._done = _Done([], None, -1, None)
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """Of the columns; None where there are no rows to read."""
        return self._done.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed; -1 where that is not known."""
        return self._done.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The row that was added last."""
        return self._done.lastrowid

    async def execute(self, sql: str, values: _Values = ()) -> None:
        """Run one statement and read its rows. Raises `sqlite3.Error`."""
        self._done = await self._run(_one, sql, values)

    async def executemany(self, sql: str, values: Iterable[_Values]) -> None:
        """Run one statement for each of many values. Raises `sqlite3.Error`."""
        self._done = await self._run(_many, sql, values)

    async def fetchall(self) -> list[Any]:
        """All rows."""
        return self._done.rows

    async def close(self) -> None:
        """Nothing is open."""


class SqliteConnection(aiosqlite.Connection):
    """A connection in a thread of its own, made by awaiting it. Its cursors are `WholeCursor`s."""

    def __init__(self, *where: Any, **settings: Any) -> None:
        super().__init__(partial(sqlite3.connect, *where, **settings), _CHUNK)
        self._is_known = True
        self._begin = ""
        # An end without `close` must not wait for it: SQLAlchemy's own way of opening says so, too.
        self._thread.daemon = True

    def cursor(self) -> WholeCursor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A cursor, without asking the thread for it."""
        return WholeCursor(self.run)

    def begin(self, how: str) -> None:
        """Begin a transaction by the statement `how`, right before its first one."""
        self._begin = how

    async def commit(self) -> None:
        """End the transaction, if a statement of it was done."""
        if not self._begin:
            await super().commit()
        self._begin = ""

    async def rollback(self) -> None:
        """End the transaction, if one is open: where it is known that there is none, the thread is not asked."""
        self._begin = ""
        if self._is_known and not self._conn.in_transaction:
            return
        await super().rollback()
        self._is_known = True

    async def run(self, work: Callable[..., _Done], sql: str, values: Any) -> _Done:
        """Have the thread do `work` with the connection that it has."""
        try:
            done: _Done = await self._execute(  # pyright: ignore[reportUnknownMemberType]
                _begun, self._conn, self._begin, work, sql, values
            )
        except BaseException:
            self._is_known = False  # the thread may still be at it
            raise
        self._begin = ""
        return done


def _begun(
    connection: sqlite3.Connection, begin: str, work: Callable[..., _Done], sql: str, values: Any
) -> _Done:
    if begin and not connection.in_transaction:  # a first statement that failed may have begun it
        connection.execute(begin)
    return work(connection, sql, values)


def _one(connection: sqlite3.Connection, sql: str, values: _Values) -> _Done:
    return _read(connection.execute(sql, values))


def _many(connection: sqlite3.Connection, sql: str, values: Iterable[_Values]) -> _Done:
    return _read(connection.executemany(sql, values))


def _read(cursor: sqlite3.Cursor) -> _Done:
    try:
        rows = cursor.fetchall() if cursor.description else []
        return _Done(rows, cursor.description, cursor.rowcount, cursor.lastrowid)
    finally:
        cursor.close()
