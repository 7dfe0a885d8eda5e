"""What gateways over one database hear of each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from sqlalchemy import text

from gateway.access.check import KeyCheck
from gateway.access.issuing import create
from gateway.storage.errors import StorageUnavailable
from gateway.storage.memory_stores import memory_stores
from gateway.storage.news import ANYTHING, KEYS, TOOLS
from gateway.storage.retention import Retention
from gateway.storage.sql.news import SqlNews
from tests.storage.stores import Kept, sql_stores
from tests.storage.test_tools import broken_change


@pytest.fixture
async def other(url: str) -> AsyncIterator[Kept]:
    kept = sql_stores(url)
    yield kept
    await kept.aclose()


@pytest.fixture
def on_postgresql(url: str) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("SQLite tells nobody; there one looks now and then")


async def change(kept: Kept) -> None:
    async with kept.tools.changing(0) as made:
        await made.keep("one", {}, since=None)


@pytest.mark.usefixtures("on_postgresql")
async def test_a_change_is_heard_of_when_it_is_committed_and_not_before(
    sql: Kept, other: Kept
) -> None:
    async with aclosing(sql.news.topics()) as topics:
        assert await anext(topics) == ANYTHING
        with pytest.raises(ZeroDivisionError):
            await broken_change(other)
        await change(other)
        assert await anext(topics) == TOOLS
        key = (await create(other.keys, tenant="a", role="app", name="")).key
        await other.keys.revoke(key.id, 1.0)
        assert await anext(topics) == KEYS


@pytest.mark.usefixtures("on_postgresql")
async def test_a_lost_connection_is_told_and_listening_begins_again(sql: Kept, other: Kept) -> None:
    assert other.database is not None
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with aclosing(sql.news.topics()) as topics:
        assert await anext(topics) == ANYTHING
        async with other.database.read() as connection:
            await connection.execute(others)
        with pytest.raises(StorageUnavailable):
            await anext(topics)
    async with aclosing(sql.news.topics()) as topics:
        assert await anext(topics) == ANYTHING
        await change(other)
        assert await anext(topics) == TOOLS


async def test_where_nobody_is_told_one_looks_now_and_then(sql: Kept) -> None:
    assert sql.database is not None
    if sql.database.dialect == "postgresql":
        pytest.skip("there, changes are told")
    news = SqlNews(sql.database, poll_s=0.001)
    async with aclosing(news.topics()) as topics:
        assert [await anext(topics) for _ in range(3)] == [ANYTHING] * 3
    await news.aclose()


async def test_a_store_that_is_nobody_elses_says_it_once() -> None:
    topics = memory_stores(Retention()).news.topics()
    assert await anext(topics) == ANYTHING
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await anext(topics)


async def test_a_key_that_was_revoked_elsewhere_is_read_anew(sql: Kept, other: Kept) -> None:
    check = KeyCheck(sql.keys, age_s=300)
    issued = await create(sql.keys, tenant="a", role="app", name="")
    assert await check.principal(issued.minted.text) is not None
    await other.keys.revoke(issued.key.id, 1.0)
    assert await check.principal(issued.minted.text) is not None  # believed
    check.forget_all()
    assert await check.principal(issued.minted.text) is None
