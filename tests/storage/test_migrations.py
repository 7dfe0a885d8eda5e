"""How a database comes to its tables, and what is refused."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gateway.storage.errors import StorageRefused
from gateway.storage.location import without_password
from gateway.storage.sql.migrate import prepare
from gateway.storage.sql.opening import engine_of
from gateway.storage.sql.schema import REVISION, VERSION_TABLE, metadata
from tests.storage.stores import rows_of, sql_stores

MIGRATIONS = Path(__file__).resolve().parents[2] / "gateway" / "storage" / "migrations"


def test_the_newest_migration_is_the_one_that_the_schema_names() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


async def test_an_empty_database_gets_the_tables_that_the_schema_describes(empty_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return list(compare_metadata(context, metadata))

    prepare(empty_url)
    engine = engine_of(empty_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_second_start_changes_nothing(empty_url: str) -> None:
    prepare(empty_url)
    kept = sql_stores(empty_url)
    prepare(empty_url)
    assert kept.database is not None
    assert set((await rows_of(kept.database)).values()) == {0}
    await kept.aclose()


def test_many_gateways_that_start_at_once_make_the_tables_once(empty_url: str) -> None:
    code = "import sys; from gateway.storage.sql.migrate import prepare; prepare(sys.argv[1])"
    started = [
        subprocess.Popen([sys.executable, "-c", code, empty_url], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in started:
        _, problem = process.communicate(timeout=120)
        assert process.returncode == 0, problem.decode()


async def test_a_run_that_was_written_with_its_trace_reads_the_same_without_it(
    empty_url: str,
) -> None:
    prepare(empty_url)
    events = [["run.started", {"id": "run_1", "offered": ["add"]}], ["text.delta", {"text": "Hi."}]]
    row: dict[str, object] = {
        "tenant": "default",
        "id": "run_1",
        "process": "gone",
        "status": "completed",
        "created_at": 1.0,
        "finished_at": time.time(),
        "role": "gateway",
        "request": "{}",
        "events": json.dumps(events),
        "size": 1_000,
        "trace": "é" * 300,
    }
    engine = engine_of(empty_url)
    async with engine.execution_options(writes=True).begin() as connection:
        await connection.execute(text("ALTER TABLE runs ADD COLUMN trace TEXT"))
        into = (
            f"INSERT INTO runs ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"
        )
        await connection.execute(text(into), row)
        await connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0011'"))
    await engine.dispose()
    await asyncio.to_thread(prepare, empty_url)
    kept = sql_stores(empty_url)
    assert kept.database is not None
    found = await kept.runs.get("default", "run_1")
    assert found is not None
    assert found.trace()["offered"] == ["add"]
    async with kept.database.read() as connection:
        assert (await connection.execute(text("SELECT size FROM runs"))).scalar_one() == 700
    await kept.aclose()


async def test_the_tables_of_a_newer_gateway_are_refused(url: str) -> None:
    engine = engine_of(url)
    async with engine.execution_options(writes=True).begin() as connection:
        await connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    await engine.dispose()
    with pytest.raises(StorageRefused, match="newer gateway") as refused:
        await asyncio.to_thread(prepare, url)
    assert refused.value.hint


def test_the_file_and_its_folder_are_the_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "gateway.db"
    prepare(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageRefused, match="can't be written") as refused:
        prepare(f"sqlite:///{tmp_path}/file/gateway.db")
    assert "storage.url" in str(refused.value)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(b"no database at all, but text " * 100)
    with pytest.raises(StorageRefused, match="not a database"):
        prepare(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hidden@127.0.0.1:1/db",
        "postgresql://me:hid@den/hidden@127.0.0.1:1/db",
        "postgresql://me@127.0.0.1:1/db?password=hidden",
        "postgresql://me:hidden@127.0.0.1:1/db?unknown_option=1",
    ],
)
def test_a_server_that_is_not_there_is_told_without_the_password(url: str) -> None:
    with pytest.raises(StorageRefused) as refused:
        prepare(url)
    assert "hidden" not in str(refused.value) + refused.value.hint
    assert "storage.url" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:p@h/d", "postgresql://me:***@h/d"),
        ("postgresql://me:p@ss:w/rd@h/d", "postgresql://me:***@h/d"),
        ("postgresql://me@h/d?password=p&x=1", "postgresql://me@h/d?password=***&x=1"),
        ("postgresql://h/d", "postgresql://h/d"),
        ("sqlite:///var/gateway.db", "sqlite:///var/gateway.db"),
    ],
)
def test_people_never_see_a_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
