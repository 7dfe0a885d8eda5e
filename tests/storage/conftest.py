"""The same stores three times: in memory, in SQLite, and in a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.storage.sql.migrate import prepare
from tests.storage.postgres import server
from tests.storage.stores import Kept, memory_stores, sql_stores

SQL = ("sqlite", "postgresql")
_numbers = count()


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    with server() as socket:
        yield socket


@pytest.fixture(scope="session")
def postgres_template(postgres_socket: str) -> str:
    """A database with all tables, to be copied."""
    execute(postgres_socket, "CREATE DATABASE prepared")
    prepare(f"postgresql://postgres@/prepared?host={postgres_socket}")
    return "prepared"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prepared") / "gateway.db"
    prepare(f"sqlite:///{path}")
    return path


def execute(socket: str, statement: str) -> None:
    """One statement, outside a transaction, on the server."""

    async def run() -> None:
        engine = create_async_engine(
            f"postgresql+asyncpg://postgres@/postgres?host={socket}", isolation_level="AUTOCOMMIT"
        )
        async with engine.connect() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    # A thread of its own: pytest has a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()


@pytest.fixture(params=SQL)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/gateway.db"
    socket: str = request.getfixturevalue("postgres_socket")
    name = f"empty_{next(_numbers)}"
    execute(socket, f"CREATE DATABASE {name}")
    return f"postgresql://postgres@/{name}?host={socket}"


def prepared_url(request: pytest.FixtureRequest, folder: Path, kind: str) -> str:
    if kind == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = folder / "gateway.db"
        path.write_bytes(template.read_bytes())
        return f"sqlite:///{path}"
    prepared: str = request.getfixturevalue("postgres_template")
    socket: str = request.getfixturevalue("postgres_socket")
    name = f"test_{next(_numbers)}"
    execute(socket, f"CREATE DATABASE {name} TEMPLATE {prepared} STRATEGY file_copy")
    return f"postgresql://postgres@/{name}?host={socket}"


@pytest.fixture(params=SQL)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with all tables and nothing in them."""
    return prepared_url(request, tmp_path, request.param)


@pytest.fixture
async def sql(url: str) -> AsyncIterator[Kept]:
    """The stores in SQL."""
    kept = sql_stores(url)
    yield kept
    await kept.aclose()


@pytest.fixture(params=["memory", *SQL])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    return None if request.param == "memory" else prepared_url(request, tmp_path, request.param)


@pytest.fixture
async def kept(place: str | None) -> AsyncIterator[Kept]:
    """The stores, whatever they are made of: what holds for one holds for all."""
    stores = memory_stores() if place is None else sql_stores(place)
    yield stores
    await stores.aclose()
