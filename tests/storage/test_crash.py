"""What a gateway leaves that is killed, and how the next one finds it."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from sqlalchemy import text

from gateway.storage.ledger import Intent, Place
from gateway.storage.responses import StoredResponse
from gateway.storage.sql.migrate import prepare
from gateway.storage.sql.processes import GONE, LEASE_S
from gateway.storage.sql.runs import SqlRunStore
from tests.storage.stores import Clock, asked, bury, outlived, sql_stores

BEGIN_AND_HANG = """
import asyncio, sys
from mistral_common.protocol.instruct.messages import UserMessage
from gateway.agent.run import RunRequest
from gateway.storage.responses import StoredResponse
from gateway.storage.retention import Retention
from gateway.storage.sql.stores import open_stores

async def main():
    stores = open_stores(sys.argv[1], Retention())
    request = RunRequest((UserMessage(content="Go."),), run_id="run_1", tenant="a")
    stores.runs.begin(request)
    made = StoredResponse("a", "resp_1", "run_1", 1.0, {"status": "in_progress"})
    await stores.responses.create(made, [])
    await stores.runs.settled()
    print("begun", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_run_that_was_going_when_the_gateway_was_killed_is_found_as_failed(
    url: str,
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BEGIN_AND_HANG, url, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    kept = sql_stores(url)
    other = await kept.runs.get("a", "run_1")
    assert other is not None
    assert other.status == "running"
    assert [event async for event in other.follow()] == []
    assert await kept.responses.unfinished() == ()  # its process lives
    mine = StoredResponse("a", "resp_2", "run_2", 1.0, {"status": "in_progress"})
    await kept.responses.create(mine, [])
    assert await kept.responses.unfinished(own=False) == ()
    process.kill()
    await process.wait()
    await asyncio.to_thread(prepare, url)  # what a gateway does when it starts
    found = await kept.runs.get("a", "run_1")
    assert found is not None
    assert (found.status, found.error) == ("failed", GONE)
    assert found.finished_at is not None
    assert found.trace()["request"]["messages"] == [{"role": "user", "content": "Go."}]
    assert found.trace()["steps"] == []
    assert [each.id for each in await kept.responses.unfinished(own=False)] == ["resp_1"]
    assert {each.id for each in await kept.responses.unfinished()} == {"resp_1", "resp_2"}
    await kept.aclose()


async def test_a_gateway_elsewhere_is_dead_when_it_was_silent_for_a_while(url: str) -> None:
    times = Clock()
    silent, watching = sql_stores(url, now=times), sql_stores(url, now=times)
    log = silent.runs.begin(asked())
    assert isinstance(silent.runs, SqlRunStore)
    await silent.runs.settled()
    await bury(watching)
    run = await watching.runs.get("a", log.run_id)
    assert run is not None
    assert run.status == "running"
    await outlived(times, watching)
    run = await watching.runs.get("a", log.run_id)
    assert run is not None
    assert run.status == "failed"
    # It was only suspended: what it says in the end counts.
    log.finish("completed")
    await silent.runs.settled()
    run = await watching.runs.get("a", log.run_id)
    assert run is not None
    assert (run.status, run.error) == ("completed", None)
    await silent.aclose()
    await watching.aclose()


async def test_where_the_database_was_away_nobody_is_dead_for_not_having_renewed(url: str) -> None:
    times = Clock()
    gateways = [sql_stores(url, now=times) for _ in range(3)]
    log = gateways[0].runs.begin(asked())
    assert isinstance(gateways[0].runs, SqlRunStore)
    await gateways[0].runs.settled()
    await bury(gateways[1])
    times.now += 10 * LEASE_S
    for kept in reversed(gateways):  # the last one has only just begun
        await bury(kept)
    run = await gateways[1].runs.get("a", log.run_id)
    assert run is not None
    assert run.status == "running"
    for kept in gateways:
        await kept.aclose()


async def test_who_was_silent_says_that_it_lives_before_it_writes_anything_more(url: str) -> None:
    times = Clock()
    silent, watching = sql_stores(url, now=times), sql_stores(url, now=times)
    await bury(silent)
    await outlived(times, watching)
    intent = Intent(Place("a", "run_1", "1.x"), "pay", {}, "key")
    await silent.ledger.begin(intent)
    await bury(watching)
    entry = await watching.ledger.get(intent.place)
    assert entry is not None
    assert entry.state == "begun"
    await silent.aclose()
    await watching.aclose()


@pytest.mark.parametrize(("cause", "may_be"), [("gone", False), ("silent", True)])
async def test_only_of_a_call_whose_gateway_is_gone_nothing_can_come_any_more(
    url: str, cause: str, *, may_be: bool
) -> None:
    times, nobody = Clock(), await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await nobody.wait()
    pid = nobody.pid if cause == "gone" else None
    left, watching = sql_stores(url, now=times, pid=pid), sql_stores(url, now=times)
    intent = Intent(Place("a", "run_1", "1.x"), "pay", {}, "key")
    await left.ledger.begin(intent)
    await outlived(times, watching)
    entry = await watching.ledger.get(intent.place)
    assert entry is not None
    assert (entry.state, entry.may_be_under_way) == ("unknown", may_be)
    await left.aclose()
    await watching.aclose()


async def test_a_gateway_that_ends_writes_what_has_ended_before(url: str) -> None:
    kept = sql_stores(url)
    log = kept.runs.begin(asked())
    log.finish("cancelled", "stopped: shutdown")
    await kept.aclose()
    after = sql_stores(url)
    run = await after.runs.get("a", log.run_id)
    assert run is not None
    assert run.status == "cancelled"
    assert (await after.tables())["processes"] == 0
    made = StoredResponse("a", "r", "run", 1.0, {"status": "queued"})
    await after.responses.create(made, [])
    await after.aclose()


async def test_what_has_to_last_waits_for_the_disk_whatever_is_the_databases_default(
    url: str,
) -> None:
    """The suite's own server waits for nothing."""
    kept = sql_stores(url)
    assert kept.database is not None
    is_sqlite = kept.database.dialect == "sqlite"
    ask = text("PRAGMA synchronous" if is_sqlite else "SHOW synchronous_commit")
    levels: list[object] = []
    for durable in (True, False, True):
        async with kept.database.write(durable=durable) as connection:
            levels.append((await connection.execute(ask)).scalar_one())
    assert levels == ([2, 1, 2] if is_sqlite else ["on", "off", "on"])
    await kept.aclose()
