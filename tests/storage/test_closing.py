"""The end of a store: what is going ends first, and nothing is opened that nobody would close."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from gateway.storage.errors import StorageUnavailable
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
