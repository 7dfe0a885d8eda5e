"""Brings a database to this version's tables, at start-up, once however many gateways start.

Migrations are Alembic's, in `gateway/storage/migrations/versions`, and run in one transaction under a
lock. A database that a newer gateway has written is refused.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from gateway.storage.errors import StorageRefused, StorageUnavailable
from gateway.storage.location import without_password
from gateway.storage.sql.database import Database, told, translated
from gateway.storage.sql.opening import LOCK_S, engine_of
from gateway.storage.sql.processes import Process
from gateway.storage.sql.schema import REVISION, VERSION_TABLE

_MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
_LOCK = 0x67617465776179  # "gateway"
_DEADLINE_S = 60.0


def prepare(url: str) -> None:
    """Makes or upgrades the tables, and ends what a dead gateway left. Blocks; for start-up.

    Raises `StorageRefused`.
    """
    failed: list[Exception] = []

    def run() -> None:
        try:
            asyncio.run(_prepared(url))
        except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
            failed.append(error)

    # A thread of its own: the caller may be inside an event loop already.
    thread = threading.Thread(target=run, name="storage migration")
    thread.start()
    thread.join()
    for error in failed:
        raise error


async def _prepared(url: str) -> None:
    engine = engine_of(url, _DEADLINE_S)
    try:
        async with asyncio.timeout(_DEADLINE_S), translated():
            if engine.dialect.name == "sqlite":
                _write_ahead(str(engine.url.database))
            async with engine.execution_options(writes=True).begin() as connection:
                await connection.run_sync(upgrade)
            database = Database(engine, Process())
            async with database.write() as connection:
                await database.process.bury(connection)
                await database.process.leave(connection)
    except (StorageUnavailable, TimeoutError) as error:
        where = without_password(url)
        raise StorageRefused(
            f"storage.url: {where} can't be used: {error or 'no answer in time'}",
            "start the database, mend storage.url, or set it to `memory:` to keep nothing",
        ) from error
    except (SQLAlchemyError, sqlite3.Error, TypeError) as error:
        raise StorageRefused(
            f"storage.url: {without_password(url)} can't be used: {told(error)}",
            "mend storage.url, or name another database",
        ) from error
    finally:
        await engine.dispose()


def upgrade(connection: Connection) -> None:
    """Every migration that this database lacks, in the caller's transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SET LOCAL statement_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    current = _version(connection)
    if current == REVISION:
        return

    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    if current is not None and current not in {each.revision for each in script.walk_revisions()}:
        raise StorageRefused(
            f"storage.url: the database was written by a newer gateway (its tables are at "
            f"{current[:32]!r}, this gateway knows {REVISION!r})",
            "run the newer gateway, or name another database in storage.url",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608


def _write_ahead(path: str) -> None:
    """The write-ahead log and a file that can shrink: properties of the file, set once.

    SQLite does not wait for others here, so we do.
    """
    deadline = time.monotonic() + _DEADLINE_S
    while True:
        try:
            with closing(sqlite3.connect(path, timeout=LOCK_S)) as connection:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA journal_mode = WAL")
                return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
