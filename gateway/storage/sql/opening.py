"""From a URL to an engine: `sqlite:///FILE` or `postgresql://…`. Nothing is connected here.

Raises `StorageRefused`, and never tells a password.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError

from gateway.storage.errors import StorageRefused
from gateway.storage.sql.asynchronous import AsyncEngine, create_async_engine

if TYPE_CHECKING:
    from gateway.storage.sql.sqlite_connection import SqliteConnection

CONNECT_S = 5
LOCK_S = 5
STATEMENT_S = 10
"""Bounds of a connection, of waiting for another writer, and of one statement, in seconds."""

_GONE_S = 15
"""After how long without a sign of a gateway's machine PostgreSQL gives up its connection."""
_SQLITE = "sqlite:///"
_POOL = 10
_CACHE_KIB = 256
"""What a connection to SQLite keeps of pages: any write of another one voids them, so it need not be many (2 MB)."""
_PRAGMAS = f"""
PRAGMA foreign_keys = ON;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
PRAGMA cache_size = -{_CACHE_KIB};
"""


def engine_of(url: str, lock_s: float = LOCK_S) -> AsyncEngine:
    """An engine for the stores. For SQLite the folder and the file are made, for the owner only.

    There `lock_s` is how long a writer waits for those of other processes.
    """
    if url.startswith(_SQLITE):
        return _sqlite(Path(url.removeprefix(_SQLITE)), lock_s)
    return _postgresql(url)


def _sqlite(path: Path, lock_s: float) -> AsyncEngine:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("r+b"):
            pass
    except OSError as error:
        raise StorageRefused(
            f"storage.url: {path} can't be written: {error.strerror}",
            "name a file that can be written, such as sqlite:///var/gateway.db, or `memory:`",
        ) from error
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        # Transactions begin below, as what they are; the driver's own guesses are off.
        connect_args={"isolation_level": None, "timeout": lock_s, "async_creator_fn": _open},
        pool_size=_POOL,
        pool_timeout=LOCK_S,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: Connection) -> None:
        # A transaction that reads first and then writes could fail at once; so writers say so.
        options = connection.get_execution_options()
        writes = options.get("writes")
        level = "FULL" if options.get("durable") else "NORMAL"
        if writes and connection.info.get("synchronous", "NORMAL") != level:
            connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
            connection.info["synchronous"] = level
        driver: Any = connection.connection.driver_connection
        driver.begin("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


async def _open(*where: Any, **settings: Any) -> SqliteConnection:
    """A connection to a file. Whoever leaves meanwhile leaves none behind, as the driver would: it drops it unclosed."""
    from gateway.storage.sql.sqlite_connection import SqliteConnection

    connection = SqliteConnection(*where, **settings)
    opening = asyncio.ensure_future(_prepared(connection))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(lambda _: _stop(connection))
        raise


async def _prepared(connection: SqliteConnection) -> SqliteConnection:
    await connection
    try:
        await connection.executescript(_PRAGMAS)
    except BaseException:
        _stop(connection)
        raise
    return connection


def _stop(connection: SqliteConnection) -> None:
    """Close it as soon as its thread has done what it was asked; nobody waits for that."""
    connection.stop()  # pyright: ignore[reportUnknownMemberType] - a future of unknown type


def _postgresql(url: str) -> AsyncEngine:
    if find_spec("asyncpg") is None:
        raise StorageRefused(
            "storage.url: PostgreSQL needs the package asyncpg, which is not installed",
            "uv sync --locked --inexact --extra postgresql",
        )
    try:
        target = make_url(url).set(drivername="postgresql+asyncpg")
    except (ArgumentError, ValueError):
        raise StorageRefused(
            "storage.url: is no URL of a PostgreSQL database",
            "postgresql://USER:PASSWORD@HOST:5432/DATABASE, with special characters as %XX",
        ) from None
    if "sslmode" in target.query:  # libpq's name for what the driver calls ssl
        mode = target.query["sslmode"]
        target = target.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    settings = {
        "application_name": "gateway",
        "statement_timeout": str(STATEMENT_S * 1000),
        "lock_timeout": str(LOCK_S * 1000),
        "idle_in_transaction_session_timeout": str(2 * STATEMENT_S * 1000),
        # A gateway whose network is gone in the middle of a statement's messages is not idle to the server,
        # which would keep its locks until TCP gives up: a quarter of an hour in which nobody goes on with its runs.
        "tcp_user_timeout": str(_GONE_S * 1000),  # what was sent to it and is not acknowledged
        "tcp_keepalives_idle": str(_GONE_S // 3),  # nothing was sent
        "tcp_keepalives_interval": str(_GONE_S // 3),
        "tcp_keepalives_count": "2",
    }
    engine = create_async_engine(
        target,
        connect_args={
            "timeout": CONNECT_S,
            "command_timeout": STATEMENT_S,
            "server_settings": settings,
        },
        pool_size=_POOL,
        pool_timeout=LOCK_S,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: Connection) -> None:
        # Where the server need not wait for its disk, a crash of it loses what was said to be done.
        if connection.get_execution_options().get("durable"):
            info = connection.info
            if "waits" not in info:
                setting = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
                info["waits"] = setting != "off"
            if not info["waits"]:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = on")

    return engine
