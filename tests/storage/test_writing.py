"""How rows come into a database: in few steps, once each, and soon, however much happens meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import event, text

from gateway.access.audit import verify
from gateway.agent.events import RunFinished
from gateway.agent.run import Outcome
from gateway.storage.audit import Entry
from gateway.storage.errors import StorageUnavailable
from gateway.storage.runs import RunLog
from gateway.storage.sql import insertion, run_writer
from gateway.storage.sql.database import Database
from gateway.storage.sql.runs import SqlRunStore
from gateway.storage.sql.sqlite_connection import SqliteConnection, WholeCursor
from tests.storage.conftest import prepared_url
from tests.storage.stores import Kept, asked, sql_stores

LONG = """
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000000)
SELECT count(*) FROM n
"""
ENDED = RunFinished(Outcome("answer", "Hi.", steps=1))


@contextmanager
def statements_of(database: Database | None, table: str) -> Generator[list[str]]:
    """The first words of the statements that write into a table."""
    assert database is not None
    seen: list[str] = []

    def execute(_connection: Any, _cursor: Any, sql: str, *_more: Any) -> None:
        first, _, words = sql.partition(" ")
        if table in words and first in {"INSERT", "UPDATE"}:
            seen.append(first)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", execute)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", execute)


def store_of(kept: Kept) -> SqlRunStore:
    assert isinstance(kept.runs, SqlRunStore)
    return kept.runs


async def test_a_run_that_ends_soon_is_written_once_whenever_it_began(
    sql: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_writer, "_LINGER_S", 0.2)
    with statements_of(sql.database, "runs") as seen:
        going: list[RunLog] = []
        for _ in range(30):  # the writer looks for some of these while they are going
            going.append(sql.runs.begin(asked()))
            await asyncio.sleep(0.02)
            if len(going) > 3:
                going.pop(0).append(ENDED)
        for log in going:
            log.append(ENDED)
        await store_of(sql).settled()
    assert set(seen) == {"INSERT"}
    assert (await sql.tables())["runs"] == 30


async def test_a_run_that_goes_on_is_written_before_it_ends(sql: Kept) -> None:
    log = sql.runs.begin(asked())
    async with asyncio.timeout(10):
        while not (await sql.tables())["runs"]:  # noqa: ASYNC110 - a table has no event
            await asyncio.sleep(0.01)
    log.append(ENDED)
    await store_of(sql).settled()
    found = await sql.runs.get("a", log.run_id)
    assert found is not None
    assert found.status == "completed"


async def test_a_run_that_was_too_young_for_one_batch_is_in_the_next(sql: Kept) -> None:
    going = [sql.runs.begin(asked())]
    await asyncio.sleep(0.03)
    going.append(sql.runs.begin(asked()))
    async with asyncio.timeout(10):
        while (await sql.tables())["runs"] < 2:  # noqa: ASYNC110 - a table has no event
            await asyncio.sleep(0.01)


async def test_who_waits_for_what_has_happened_does_not_wait_for_what_goes_on_happening(
    sql: Kept,
) -> None:
    ends = asyncio.Event()

    async def traffic() -> None:
        while not ends.is_set():
            log = sql.runs.begin(asked())
            await asyncio.sleep(0.001)
            log.append(ENDED)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(traffic())
        await asyncio.sleep(0.1)
        ended, going = sql.runs.begin(asked()), sql.runs.begin(asked())
        ended.append(ENDED)
        await asyncio.wait_for(store_of(sql).settled(), 10)
        ends.set()
    assert sql.database is not None
    async with sql.database.read() as connection:
        rows = await connection.execute(text("SELECT id, status FROM runs"))
        status = {str(row[0]): str(row[1]) for row in rows}
    assert (status[ended.run_id], status[going.run_id]) == ("completed", "running")
    going.append(ENDED)


async def test_what_ends_while_a_batch_is_written_waits_for_its_like(
    sql: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_writer, "_LINGER_S", 0.1)
    began = time.monotonic()
    with statements_of(sql.database, "runs") as seen:
        while time.monotonic() - began < 0.5:
            sql.runs.begin(asked()).append(ENDED)
            await asyncio.sleep(0.001)
        await store_of(sql).settled()
    assert len(seen) <= (time.monotonic() - began) / 0.1 + 1


async def test_what_does_not_fit_into_a_batch_is_written_right_after_it(
    sql: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_writer, "_LINGER_S", 1.0)
    monkeypatch.setattr(run_writer, "_BATCH", 3)
    for _ in range(30):
        sql.runs.begin(asked()).append(ENDED)
    await asyncio.wait_for(store_of(sql).settled(), 5)


async def test_several_who_wait_are_all_told_and_one_who_leaves_is_forgotten(sql: Kept) -> None:
    sql.runs.begin(asked()).append(ENDED)
    leaving = asyncio.ensure_future(store_of(sql).settled())
    await asyncio.sleep(0)
    leaving.cancel()
    waits = (store_of(sql).settled() for _ in range(3))
    await asyncio.wait_for(asyncio.gather(*waits), 10)
    assert (await sql.tables())["runs"] == 1


async def test_what_is_too_much_for_a_transaction_is_written_by_the_next(
    sql: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_writer, "_MOST_CHARACTERS", 1)
    with statements_of(sql.database, "runs") as seen:
        for _ in range(5):
            sql.runs.begin(asked()).append(ENDED)
        await store_of(sql).settled()
    assert len(seen) == 5
    assert (await sql.tables())["runs"] == 5


@pytest.mark.parametrize("most", [3, 7, 30_000])
async def test_many_rows_are_all_added_in_their_order_however_many_a_statement_takes(
    sql: Kept, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insertion, "_MOST_VALUES", most)
    entries = [Entry(float(n), "me", "a", "call", f"t{n}", "allow") for n in range(10)]
    await sql.audit.append(entries[:1])
    await sql.audit.append(entries[1:])
    found = await verify(sql.audit)
    assert (found.entries, found.problem) == (10, None)
    assert [f'"t{n}"' in one.text for n, one in enumerate(await sql.audit.page(0))] == [True] * 10


@contextmanager
def hops(monkeypatch: pytest.MonkeyPatch) -> Generator[list[str]]:
    """What connections to SQLite ask their threads."""
    seen: list[str] = []
    asks: Any = getattr(aiosqlite.Connection, "_execute")  # noqa: B009 - it is its own

    async def execute(
        connection: aiosqlite.Connection, work: Any, *given: Any, **named: Any
    ) -> Any:
        seen.append(given[3] if len(given) > 3 else work.__name__)
        return await asks(connection, work, *given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(aiosqlite.Connection, "_execute", execute)
        yield seen


@pytest.fixture
async def sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    kept = sql_stores(prepared_url(request, tmp_path, "sqlite"))
    yield kept
    await kept.aclose()


async def test_a_transaction_of_sqlite_asks_its_thread_once_for_each_statement(
    sqlite: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sqlite.audit.append([Entry(1.0, "me", "a", "call", "t", "allow")])
    with hops(monkeypatch) as seen:
        entries: Sequence[Entry] = [Entry(1.0, "me", "a", "call", "t", "allow")] * 50
        await sqlite.audit.append(entries)
    assert [words.split()[0] for words in seen] == ["SELECT", "INSERT", "commit"]
    with hops(monkeypatch) as seen:
        await sqlite.audit.page(0)
    assert [words.split()[0] for words in seen] == ["SELECT", "commit"]


async def test_a_transaction_that_fails_leaves_nothing(sqlite: Kept) -> None:
    assert sqlite.database is not None
    database = sqlite.database

    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO audit VALUES (7, 'x', 'x')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await sqlite.audit.append([Entry(1.0, "me", "a", "call", "t", "allow")])
    assert (await verify(sqlite.audit)).entries == 1


async def test_a_transaction_whose_first_statement_fails_is_ended(sqlite: Kept) -> None:
    database = sqlite.database
    assert database is not None
    with pytest.raises(StorageUnavailable, match="no such table"):
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO nowhere VALUES (7)"))
    await sqlite.audit.append([Entry(1.0, "me", "a", "call", "t", "allow")])


@pytest.mark.parametrize("end", [SqliteConnection.commit, SqliteConnection.rollback])
async def test_a_transaction_that_did_nothing_is_over_when_it_ends(
    end: Callable[[SqliteConnection], Awaitable[None]],
) -> None:
    connection = SqliteConnection(":memory:", isolation_level=None)
    await connection
    connection.begin("BEGIN")
    await end(connection)
    await WholeCursor(connection.run).execute("SELECT 1")
    assert not connection.in_transaction
    await connection.close()


async def test_nothing_is_done_outside_of_a_transaction_whose_first_statement_failed() -> None:
    connection = SqliteConnection(":memory:", isolation_level=None)
    await connection
    make = "CREATE TABLE here (x)"
    connection.begin("BEGIN nonsense")
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="nonsense"):
            await WholeCursor(connection.run).execute(make)
    await connection.rollback()
    connection.begin("BEGIN")
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        await WholeCursor(connection.run).execute("INSERT INTO nowhere VALUES (1)")
    await WholeCursor(connection.run).execute(make)
    assert connection.in_transaction
    await connection.commit()
    assert not connection.in_transaction
    await connection.close()


async def test_a_transaction_that_nobody_waited_for_is_ended_when_it_has_begun() -> None:
    connection = SqliteConnection(":memory:", isolation_level=None)
    await connection
    slow, late = WholeCursor(connection.run), WholeCursor(connection.run)
    going = asyncio.ensure_future(slow.execute(LONG))
    beginning = asyncio.ensure_future(late.execute("BEGIN"))
    await asyncio.sleep(0.01)
    beginning.cancel()
    await asyncio.sleep(0)
    await connection.rollback()
    await going
    assert not connection.in_transaction
    await connection.close()


async def test_who_leaves_in_the_middle_of_a_statement_leaves_no_transaction_open(
    sqlite: Kept,
) -> None:
    database = sqlite.database
    assert database is not None

    async def slow() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO audit VALUES (7, 'x', 'x')"))
            await connection.execute(text(LONG))

    for _ in range(3):
        leaving = asyncio.create_task(slow())
        await asyncio.sleep(0.05)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await asyncio.wait_for(
            sqlite.audit.append([Entry(1.0, "me", "a", "call", "t", "allow")]), 10
        )
    found = await verify(sqlite.audit)
    assert (found.entries, found.problem) == (3, None)
