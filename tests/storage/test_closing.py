"""The end of a store: what is going ends first, and nothing is opened that nobody would close."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.storage.errors import StorageUnavailable
from gateway.storage.sql.opening import engine_of
from tests.storage.stores import sql_stores


async def test_who_asks_a_closed_store_is_told_and_opens_nothing(url: str) -> None:
    kept = sql_stores(url)
    assert await kept.runs.recent("a", 5) == []
    await kept.aclose()
    with pytest.raises(StorageUnavailable, match="the store is closed"):
        await kept.runs.recent("a", 5)


async def test_connections_are_closed_when_the_last_transaction_has_ended(url: str) -> None:
    kept = sql_stores(url)
    database = kept.database
    assert database is not None
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def ask() -> int:
        async with database.read() as connection:
            begun.set()
            await go_on.wait()
            return int((await connection.execute(text("SELECT 7"))).scalar_one())

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(ask())
        await begun.wait()
        closing = group.create_task(kept.aclose())
        done, _ = await asyncio.wait([closing], timeout=0.2)
        assert not done
        go_on.set()
    assert asking.result() == 7


async def test_who_leaves_while_a_file_is_opened_leaves_no_connection_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    connect, going = sqlite3.connect, asyncio.Event()
    loop = asyncio.get_running_loop()

    def watched(*where: str, **settings: object) -> sqlite3.Connection:
        loop.call_soon_threadsafe(going.set)
        opened.append(connect(*where, **settings))  # pyright: ignore[reportArgumentType, reportCallIssue]
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", watched)
    engine = engine_of(f"sqlite:///{tmp_path}/gateway.db")
    asking = asyncio.ensure_future(engine.connect().start())
    await going.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(5):
        while opened and _is_open(opened[0]):  # noqa: ASYNC110 - in a thread
            await asyncio.sleep(0.01)
    async with engine.connect() as connection:
        for name, value in (("foreign_keys", 1), ("synchronous", 1), ("cache_size", -256)):
            assert (await connection.execute(text(f"PRAGMA {name}"))).scalar_one() == value
    await engine.dispose()
    assert len(opened) == 2
    assert not any(map(_is_open, opened))


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.total_changes  # noqa: B018
    except sqlite3.ProgrammingError as error:
        assert "closed" in str(error)  # noqa: PT017 - any other is a mistake of this test
        return False
    return True
