"""What a gateway leaves that is killed, and how the next one finds it."""

from __future__ import annotations

import asyncio
import subprocess
import sys

from gateway.storage.responses import StoredResponse
from gateway.storage.sql.migrate import prepare
from gateway.storage.sql.processes import GONE, LEASE_S, RENEWAL_S
from gateway.storage.sql.runs import SqlRunStore
from tests.storage.stores import Kept, asked, sql_stores

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


async def bury(kept: Kept) -> None:
    assert kept.database is not None
    async with kept.database.write() as connection:
        await kept.database.process.bury(connection)


async def test_a_gateway_elsewhere_is_dead_when_it_was_silent_for_a_while(url: str) -> None:
    now = 1000.0
    silent, watching = sql_stores(url, now=lambda: now), sql_stores(url, now=lambda: now)
    log = silent.runs.begin(asked())
    assert isinstance(silent.runs, SqlRunStore)
    await silent.runs.settled()
    statuses: list[str] = []
    for later in (RENEWAL_S, LEASE_S + RENEWAL_S):
        now = 1000.0 + later
        await bury(watching)
        run = await watching.runs.get("a", log.run_id)
        assert run is not None
        statuses.append(run.status)
    assert statuses == ["running", "failed"]
    # It was only suspended: what it says in the end counts.
    log.finish("completed")
    await silent.runs.settled()
    run = await watching.runs.get("a", log.run_id)
    assert run is not None
    assert (run.status, run.error) == ("completed", None)
    await silent.aclose()
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
