"""What is deleted, by an app or for its age, leaves nothing in any table."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from gateway.storage.conversations import Conversation
from gateway.storage.ledger import Intent, Place, Receipt
from gateway.storage.responses import StoredResponse
from gateway.storage.retention import Retention
from gateway.storage.runs import RunLog
from gateway.storage.sql.runs import SqlRunStore
from gateway.storage.sql.schema import runs
from gateway.storage.sql.upkeep import sweep
from gateway.storage.suspensions import Suspension
from tests.storage.stores import Kept, asked, item

DAY = 86_400.0


async def answer(
    kept: Kept, name: str, *, previous: str | None = None, conversation: str | None = None
) -> RunLog:
    """A response with items, events, and the run that made it, which still goes."""
    log = kept.runs.begin(asked())
    made = StoredResponse(
        "a", name, log.run_id, 1.0, {"status": "completed"}, previous, conversation
    )
    await kept.responses.create(made, [item("in")])
    await kept.responses.update(made, [item("out")], [{"sequence_number": 0}])
    return log


async def settled(kept: Kept) -> None:
    assert isinstance(kept.runs, SqlRunStore)
    await kept.runs.settled()


async def filled(kept: Kept) -> set[str]:
    """The tables that hold something of an app's."""
    return {name for name, rows in (await kept.tables()).items() if rows} - {"processes"}


async def test_a_deleted_response_leaves_nothing(sql: Kept) -> None:
    log = await answer(sql, "r1")
    log.finish("completed")
    await settled(sql)
    assert await filled(sql) == {
        "runs",
        "chains",
        "responses",
        "response_items",
        "response_events",
    }
    assert await sql.responses.delete("a", "r1")
    assert await filled(sql) == set()


async def acted(kept: Kept, run_id: str, *known: str) -> None:
    """The run waits for a person, has done what is `known`, and something that nobody knows of."""
    waiting = Suspension("a", run_id, 1, 1.0, 2000.0, ({"call_id": "c", "step": 1},), {"text": "x"})
    await kept.suspensions.put(waiting)
    for call in (*known, "unknown"):
        place = Place("a", run_id, call)
        await kept.ledger.begin(Intent(place, "pay", {"to": call}, call))
        await kept.ledger.close(place, Receipt("unknown" if call == "unknown" else "done", "tool"))


@pytest.mark.parametrize("of", ["response", "conversation"])
async def test_what_waits_and_what_was_done_goes_and_what_nobody_knows_stays(
    kept: Kept, of: str
) -> None:
    await kept.conversations.create(Conversation("a", "c", 1.0, {}), [])
    gone = await answer(kept, "r1", conversation="c")
    left = await answer(kept, "r2")
    for log in (gone, left):
        await acted(kept, log.run_id, "1.a", "1.b")
    if of == "response":
        assert await kept.responses.delete("a", "r1")
    else:
        assert await kept.conversations.delete("a", "c")
    assert await kept.suspensions.get("a", gone.run_id) is None
    assert await kept.suspensions.get("a", left.run_id) is not None
    stays = [entry.state for entry in await kept.ledger.of_run("a", gone.run_id)]
    assert stays == ["unknown"]
    assert len(await kept.ledger.of_run("a", left.run_id)) == 3


async def test_what_nobody_decided_goes_with_the_runs_of_its_time(sql: Kept) -> None:
    assert sql.database is not None
    await acted(sql, "run_1")
    await sweep(sql.database, Retention(max_run_age_s=DAY), lambda: 2000.0 + DAY)
    assert await sql.suspensions.get("a", "run_1") is not None
    await sweep(sql.database, Retention(max_run_age_s=DAY), lambda: 2001.0 + DAY)
    assert await sql.suspensions.get("a", "run_1") is None


async def test_a_run_that_is_going_is_not_written_after_its_response_was_deleted(sql: Kept) -> None:
    log = await answer(sql, "r1")
    assert await sql.responses.delete("a", "r1")
    log.finish("completed")
    await settled(sql)
    assert await filled(sql) == set()
    assert await sql.runs.get("a", log.run_id) is None


async def test_the_rest_of_a_chain_stays_until_its_last_response_is_deleted(sql: Kept) -> None:
    for name, previous in (("r1", None), ("r2", "r1"), ("r3", "r2")):
        (await answer(sql, name, previous=previous)).finish("completed")
    await settled(sql)
    assert await sql.responses.delete("a", "r1")
    tables = await sql.tables()
    assert (tables["chains"], tables["responses"], tables["runs"]) == (1, 2, 2)
    await asyncio.gather(sql.responses.delete("a", "r2"), sql.responses.delete("a", "r3"))
    assert await filled(sql) == set()


async def test_a_deleted_conversation_takes_what_was_answered_in_it(sql: Kept) -> None:
    await sql.conversations.create(Conversation("a", "c", 1.0, {}), [item("x")])
    (await answer(sql, "r1", conversation="c")).finish("completed")
    await settled(sql)
    assert await sql.conversations.delete("a", "c")
    assert await filled(sql) == set()


async def test_what_was_not_used_for_long_goes_by_chain(sql: Kept) -> None:
    assert sql.database is not None
    await answer(sql, "old")
    await sql.conversations.create(Conversation("a", "old", 1.0, {}), [item("x")])
    await answer(sql, "first")
    await sql.conversations.create(Conversation("a", "used", 1.0, {}), [])
    sql.clock.now += 31 * DAY
    await answer(sql, "next", previous="first")
    await sql.conversations.append("a", "used", [item("y")])
    await settled(sql)
    await sweep(sql.database, Retention(), sql.clock)
    assert await sql.responses.get("a", "old") is None
    assert await sql.responses.get("a", "first") is not None
    assert await sql.conversations.get("a", "old") is None
    assert await sql.conversations.get("a", "used") is not None
    sql.clock.now += 31 * DAY
    await sweep(sql.database, Retention(), sql.clock)
    assert await filled(sql) == {"runs"}  # they are still going


async def test_runs_go_some_time_after_their_end_and_never_before(sql: Kept) -> None:
    assert sql.database is not None
    over, going = sql.runs.begin(asked()), sql.runs.begin(asked())
    over.finish("completed")
    await settled(sql)
    sql.clock.now = (over.finished_at or 0.0) + 8 * DAY
    await sweep(sql.database, Retention(max_runs=1), sql.clock)
    assert (await sql.tables())["runs"] == 1
    assert await sql.runs.get("a", over.run_id) is None
    assert await sql.runs.get("a", going.run_id) is going


async def test_of_what_is_too_much_the_newest_is_kept_for_each_tenant(sql: Kept) -> None:
    assert sql.database is not None
    for n in range(6):
        sql.clock.now += 1.0
        for tenant in ("a", "b"):
            log = sql.runs.begin(asked(tenant))
            log.finish("completed")
            made = StoredResponse(tenant, f"r{n}", log.run_id, 1.0, {"status": "completed"})
            await sql.responses.create(made, [])
            await sql.conversations.create(Conversation(tenant, f"c{n}", 1.0, {}), [])
            await settled(sql)
    sql.clock.now = 0.0
    bounds = Retention(max_runs=4, max_responses=3, max_conversations=2)
    await sweep(sql.database, bounds, sql.clock)
    tables = await sql.tables()
    assert (tables["runs"], tables["responses"], tables["conversations"]) == (8, 6, 4)
    for tenant in ("a", "b"):
        assert await sql.responses.get(tenant, "r3") is not None
        assert await sql.responses.get(tenant, "r2") is None
        assert await sql.conversations.get(tenant, "c4") is not None


async def test_what_is_too_large_together_goes_from_its_oldest_on(sql: Kept) -> None:
    assert sql.database is not None
    for n in range(5):
        sql.clock.now += 1.0
        made = Conversation("a", f"c{n}", 1.0, {})
        await sql.conversations.create(made, [item("x", text="y" * 1000)])
    assert await sql.conversations.remove("a", "c4", "x")
    await sweep(sql.database, Retention(max_bytes=2500), sql.clock)
    kept = [n for n in range(5) if await sql.conversations.get("a", f"c{n}")]
    assert kept == [2, 3, 4]


async def test_more_than_one_batch_is_swept(sql: Kept) -> None:
    assert sql.database is not None
    logs = [sql.runs.begin(asked()) for _ in range(450)]
    for log in logs:
        log.finish("completed")
    await settled(sql)
    async with sql.database.write() as connection:
        await connection.execute(update(runs).values(finished_at=0.0))
    await sweep(sql.database, Retention(), lambda: 30 * DAY)
    assert (await sql.tables())["runs"] == 0
