"""A database that goes away in the middle: who needs it is told, the others go on, nothing is lost."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.agent.events import RunFinished
from gateway.agent.run import Outcome
from gateway.api.errors import answer
from gateway.storage.conversations import Conversation
from gateway.storage.errors import StorageUnavailable
from gateway.storage.items import Page
from gateway.storage.sql import opening, run_writer
from gateway.storage.sql.runs import SqlRunStore, StoredRun
from tests.storage.conftest import execute, prepared_url
from tests.storage.postgres import cluster
from tests.storage.stores import asked, item, sql_stores


@pytest.fixture
def name(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A prepared PostgreSQL database: its URL, and the server's socket."""
    url = prepared_url(request, tmp_path, "postgresql")
    return url, request.getfixturevalue("postgres_socket")


def cut(place: tuple[str, str]) -> None:
    """No connection to the database any more, neither old nor new."""
    database = place[0].removeprefix("postgresql://postgres@/").partition("?")[0]
    execute(place[1], f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
    execute(place[1], f"{end}'{database}'")


def mend(place: tuple[str, str]) -> None:
    database = place[0].removeprefix("postgresql://postgres@/").partition("?")[0]
    execute(place[1], f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")


async def test_runs_go_on_without_the_database_and_are_written_when_it_is_back(
    name: tuple[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(run_writer, "_RETRY_S", 0.05)
    kept = sql_stores(name[0])
    assert isinstance(kept.runs, SqlRunStore)
    await kept.conversations.create(Conversation("a", "c", 1.0, {}), [item("x")])
    before = kept.runs.begin(asked())
    await kept.runs.settled()
    await asyncio.to_thread(cut, name)

    log = kept.runs.begin(asked())
    for each in (before, log):
        each.append(RunFinished(Outcome("answer", "Hi.")))
    assert await kept.runs.get("a", log.run_id) is log
    for needed in (
        kept.runs.recent("a", 5),
        kept.runs.get("a", "run_other"),
        kept.responses.get("a", "r"),
        kept.conversations.items("a", "c", Page()),
        kept.conversations.append("a", "c", [item("y")]),
    ):
        with pytest.raises(StorageUnavailable) as gone:
            await needed
    told = answer(gone.value)
    assert (told.status, told.code, told.retry_after_s) == (503, "storage_unavailable", 1)

    async with asyncio.timeout(10):  # the writer works behind: it has met the closed door, too
        while "wait to be written" not in caplog.text:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
    await asyncio.to_thread(mend, name)
    await kept.runs.settled()
    for each in (before, log):
        found = await kept.runs.get("a", each.run_id)
        assert isinstance(found, StoredRun)
        assert found.status == "completed"
    assert (await kept.conversations.items("a", "c", Page())).items == (item("x"),)
    await kept.aclose()


async def test_what_can_no_longer_be_kept_is_logged(
    name: tuple[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(run_writer, "_MAX_WAITING", 2)
    kept = sql_stores(name[0])
    await asyncio.to_thread(cut, name)
    logs = [kept.runs.begin(asked()) for _ in range(4)]
    with caplog.at_level(logging.ERROR):
        for log in logs:
            log.finish("completed")
    assert f"run {logs[0].run_id} is dropped" in caplog.text
    assert await kept.runs.get("a", logs[-1].run_id) is logs[-1]
    await asyncio.to_thread(mend, name)
    await kept.aclose()


async def test_a_gateway_that_ends_without_its_database_says_so_and_ends(
    name: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    kept = sql_stores(name[0])
    await kept.conversations.create(Conversation("a", "c", 1.0, {}), [item("x")])
    await asyncio.to_thread(cut, name)
    await kept.aclose()
    assert "this gateway has ended can't be written" in caplog.text


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return prepared_url(request, tmp_path, "sqlite")


async def test_a_writer_that_can_not_get_its_turn_is_told_so(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "LOCK_S", 0.05)
    kept, other = sql_stores(sqlite_url), sql_stores(sqlite_url)
    await kept.conversations.create(Conversation("a", "c", 1.0, {}), [item("x")])
    assert other.database is not None
    async with other.database.write() as turn:
        await turn.execute(text("SELECT 1"))
        with pytest.raises(StorageUnavailable, match="locked"):
            await kept.conversations.append("a", "c", [item("y")])
        assert (await kept.conversations.items("a", "c", Page())).items == (item("x"),)
    assert await kept.conversations.append("a", "c", [item("y")])
    await kept.aclose()
    await other.aclose()


async def test_a_gateway_of_which_nothing_is_heard_is_given_up_within_fifteen_seconds() -> None:
    # By any address, so that nobody else's server is in the way. Sockets of files have no such bounds.
    with cluster("127.77.0.0/16", listen_addresses="127.77.0.1"):
        engine = opening.engine_of("postgresql://postgres@127.77.0.1:5432/postgres")
        async with engine.connect() as connection:
            asked_for = (
                "tcp_user_timeout tcp_keepalives_idle tcp_keepalives_interval tcp_keepalives_count"
            )
            shown = {
                each: (await connection.execute(text(f"SHOW {each}"))).scalar_one()
                for each in asked_for.split()
            }
        await engine.dispose()
    assert shown == {
        "tcp_user_timeout": "15000",
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "2",
    }
