"""The accounts of budgets in SQL, shared by all gateways that use the database.

Whoever comes while a transaction runs waits for the next one, which is one for all of them: however many
runs begin at once, they take three statements, not hundreds. One transaction at a time changes accounts,
which is what makes reading and then writing them safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import and_, func, select, text, tuple_

from gateway.storage.accounts import Balance, Line, NotLeftError
from gateway.storage.errors import StorageUnavailable
from gateway.storage.memory_accounts import Book
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.reservations import lock_accounts
from gateway.storage.sql.schema import accounts, reservations
from gateway.storage.sql.text import key

_NEVER = 1e15
"""Stands for the end of a period that has none: some thirty million years from now."""
_MOST_PLACES = 400
"""Accounts read by one statement: databases bound its parameters."""
_WRITE = text(
    "INSERT INTO accounts (account, period, ends_at, spent, reserved)"
    " VALUES (:account, :period, :ends_at, :spent, :reserved)"
    " ON CONFLICT (account, period) DO UPDATE"
    " SET spent = excluded.spent, reserved = excluded.reserved"
)
_HOLD = text(
    "INSERT INTO reservations (account, period, process, amount)"
    " VALUES (:account, :period, :process, :held)"
    " ON CONFLICT (account, period, process) DO UPDATE SET amount = excluded.amount"
)


@dataclass(slots=True, eq=False)
class _Entry:
    """What somebody waits for: `amount` set aside, or `amount` back and `spent` booked."""

    lines: Sequence[Line]
    amount: int
    spent: int | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    balances: Sequence[Balance] = ()
    failure: Exception | None = None

    def apply(self, book: Book) -> None:
        """Make the entry in a book."""
        try:
            if self.spent is None:
                self.balances = book.reserve(self.lines, self.amount)
            else:
                book.settle(self.lines, self.amount, self.spent)
        except NotLeftError as short:
            self.failure = short


class SqlAccountStore:
    """An `AccountStore` over one database."""

    def __init__(self, database: Database) -> None:
        database.hold()
        self._database = database
        self._waiting: list[_Entry] = []
        self._turn = asyncio.Lock()

    async def reserve(self, lines: Sequence[Line], amount: int) -> Sequence[Balance]:
        return await self._enter(_Entry(lines, amount))

    async def settle(self, lines: Sequence[Line], reserved: int, spent: int) -> None:
        await self._enter(_Entry(lines, reserved, spent))

    async def balances(self, lines: Sequence[Line]) -> Sequence[Balance]:
        async with self._database.read() as connection:
            book = await _read(connection, lines, self._database.process.id)
        return book.of(lines)

    async def aclose(self) -> None:
        await self._database.release()

    async def _enter(self, entry: _Entry) -> Sequence[Balance]:
        """Wait for one's own entry; the first in line makes those of all who wait."""
        self._waiting.append(entry)
        try:
            async with self._turn:
                if not entry.done.is_set():
                    await self._enter_all()
        finally:
            if entry in self._waiting:  # cancelled before anybody took it up
                self._waiting.remove(entry)
        if entry.failure is not None:
            raise entry.failure
        return entry.balances

    async def _enter_all(self) -> None:
        entries, self._waiting = self._waiting, []
        try:
            async with self._database.write() as connection:
                await lock_accounts(connection)
                process = self._database.process.id
                lines = [line for each in entries for line in each.lines]
                book = await _read(connection, lines, process)
                for each in entries:
                    each.apply(book)
                if rows := [_row(book, *each, process) for each in book.changed()]:
                    await connection.execute(_WRITE, rows)
                    await connection.execute(_HOLD, rows)
        except StorageUnavailable as error:
            for each in entries:
                each.failure = StorageUnavailable(str(error))
        except BaseException:  # the first in line was cancelled: the others are still there
            for each in entries:
                each.failure = None
            self._waiting = entries + self._waiting
            raise
        for each in entries:
            each.done.set()


async def _read(connection: AsyncConnection, lines: Sequence[Line], process: str) -> Book:
    columns, held = accounts.c, reservations.c
    own = and_(
        held.account == columns.account, held.period == columns.period, held.process == process
    )
    both = accounts.outerjoin(reservations, own)
    amount = func.coalesce(held.amount, 0)
    places = {(key(line.account), line.period): line for line in lines}
    book, names = Book(), list(places)
    for start in range(0, len(names), _MOST_PLACES):
        query = (
            select(columns.account, columns.period, columns.spent, columns.reserved, amount)
            .select_from(both)
            .where(tuple_(columns.account, columns.period).in_(names[start : start + _MOST_PLACES]))
        )
        for account, period, spent, reserved, ours in await connection.execute(query):
            book.open(places[account, period], Balance(spent, reserved), ours)
    return book


def _row(book: Book, line: Line, balance: Balance, process: str) -> dict[str, str | float | int]:
    return {
        "process": process,
        "held": book.held(line),
        "account": key(line.account),
        "period": line.period,
        "ends_at": min(line.ends_at, _NEVER),
        "spent": balance.spent,
        "reserved": balance.reserved,
    }
