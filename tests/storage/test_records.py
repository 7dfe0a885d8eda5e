"""Many runs at once: what holds in memory, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace

from gateway.storage.records import RunQuery
from tests.storage.stores import Kept, asked
from tests.storage.test_runs import finish, written


async def ids(kept: Kept, query: RunQuery, limit: int = 10) -> list[str]:
    return [record.run_id for record in await kept.runs.records("a", query, limit)]


async def test_records_are_the_newest_that_are_covered_whole(kept: Kept) -> None:
    logs = [kept.runs.begin(asked()) for _ in range(4)]
    for log in logs[:3]:
        finish(log)
    await written(kept)
    newest = [log.run_id for log in reversed(logs)]
    assert await ids(kept, RunQuery()) == newest
    assert await ids(kept, RunQuery(), 2) == newest[:2]
    assert await ids(kept, RunQuery(statuses=("completed",))) == newest[1:]
    assert await ids(kept, RunQuery(statuses=("running",))) == newest[:1]
    assert await ids(kept, RunQuery(since=logs[2].created_at)) == newest[:2]
    assert await ids(kept, RunQuery(until=logs[2].created_at)) == newest[2:]
    record = (await kept.runs.records("a", RunQuery(statuses=("completed",)), 1))[0]
    assert record.trace == logs[2].trace()
    assert record.trace["answer"] == "Hi."
    assert await kept.runs.records("b", RunQuery(), 10) == []


async def test_a_listing_goes_on_after_its_last_run(kept: Kept) -> None:
    logs = [kept.runs.begin(asked()) for _ in range(5)]
    for log in logs[:4]:
        finish(log)
    await written(kept)
    query, seen = RunQuery(), list[str]()
    while portion := await kept.runs.records("a", query, 2):
        seen += [record.run_id for record in portion]
        query = replace(query, before=(portion[-1].created_at, portion[-1].run_id))
    assert seen == [log.run_id for log in reversed(logs)]


async def test_what_is_not_written_yet_is_told_as_it_is_now(kept: Kept) -> None:
    log = kept.runs.begin(asked())
    await written(kept)
    finish(log)
    assert await ids(kept, RunQuery(statuses=("running",))) == []
    assert await ids(kept, RunQuery(statuses=("completed",))) == [log.run_id]
