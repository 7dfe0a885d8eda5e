"""Runs that wait for a person, and who goes on with them once that person has decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from gateway.storage.durable import Bounds, DurableRuns, LeaseLost
from gateway.storage.responses import StoredResponse
from gateway.storage.retention import Retention
from gateway.storage.runs import RunLog
from gateway.storage.sql.runs import SqlRunStore
from gateway.storage.sql.schema import durable_runs
from gateway.storage.sql.upkeep import sweep
from gateway.storage.suspensions import Resumable, Suspension
from gateway.storage.waiting import Waiting
from tests.storage.stores import Clock, Kept, asked, outlived, sql_stores

WIDE = Bounds()
APPROVE: dict[str, Any] = {"decision": "approve", "edited_arguments": None, "decision_reason": None}


def waits(run_id: str, step: int = 1, tenant: str = "a") -> Suspension:
    approval = {"call_id": f"c{step}", "step": step, "decision": None}
    return Suspension(tenant, run_id, step, 1.0, 2e9, (approval,), {"text": "x" * step})


async def decided(kept: Kept, run_id: str, tenant: str = "a") -> None:
    await kept.suspensions.put(waits(run_id, tenant=tenant))
    await kept.suspensions.decide(tenant, run_id, "c1", APPROVE)


async def claim(kept: Kept, *going: str, most: int = 10, bounds: Bounds = WIDE) -> list[Resumable]:
    return list(await kept.suspensions.claim(going, most, bounds))


def ids(claimed: list[Resumable]) -> list[str]:
    return [each.suspension.run_id for each in claimed]


def ended(run_id: str, tenant: str = "a") -> RunLog:
    log = RunLog(replace(asked(tenant), run_id=run_id, durable=True))
    log.finish("completed")
    return log


def runs_of(kept: Kept) -> DurableRuns:
    assert kept.durable is not None
    return kept.durable


async def test_who_is_decided_about_goes_on_once_and_is_over_then(kept: Kept) -> None:
    await kept.suspensions.put(waits("run_1"))
    assert await claim(kept) == []
    await kept.suspensions.decide("a", "run_1", "c1", APPROVE)
    [claimed] = await claim(kept)
    assert (claimed.suspension.run_id, claimed.losses) == ("run_1", 0)
    assert claimed.suspension.state["text"] == "x"
    assert claimed.suspension.now_waiting()[0]["decision"] == "approve"
    assert await claim(kept, "run_1") == []
    await kept.suspensions.finish(ended("run_1"), None)
    over = await kept.suspensions.get("a", "run_1")
    assert over is not None
    assert (over.status, over.approvals[0]["decision"]) == ("over", "approve")
    assert "text" not in over.state
    assert await claim(kept) == []


async def test_how_many_wait_for_a_person_is_told_and_since_when(kept: Kept) -> None:
    assert await kept.suspensions.waiting() == Waiting(0, None)
    await kept.suspensions.put(replace(waits("run_1"), created_at=3.0))
    await kept.suspensions.put(replace(waits("run_2", tenant="b"), created_at=2.0))
    await kept.suspensions.put(replace(waits("too_late"), expires_at=kept.clock()))
    await decided(kept, "run_3")
    assert await kept.suspensions.waiting() == Waiting(2, 2.0)


async def test_what_a_person_can_decide_about_is_listed_by_tenant_the_oldest_first(
    kept: Kept,
) -> None:
    await kept.suspensions.put(replace(waits("run_2"), created_at=2.0))
    await kept.suspensions.put(replace(waits("run_1"), created_at=1.0))
    await kept.suspensions.put(waits("run_3", tenant="b"))
    await kept.suspensions.put(replace(waits("too_late"), expires_at=kept.clock()))
    await decided(kept, "run_4")
    first, second = await kept.suspensions.undecided("a", 9)
    assert (first, second.run_id) == (await kept.suspensions.get("a", "run_1"), "run_2")
    assert first.state == {"text": "x"}
    assert await kept.suspensions.undecided("a", 1) == [first]


async def test_it_may_wait_again_and_its_earlier_approvals_stay(kept: Kept) -> None:
    await decided(kept, "run_1")
    await claim(kept)
    await kept.suspensions.finish(ended("run_1"), waits("run_1", step=3))
    again = await kept.suspensions.get("a", "run_1")
    assert again is not None
    assert (again.status, again.step, again.state["text"]) == ("waiting", 3, "xxx")
    assert [each["call_id"] for each in again.approvals] == ["c1", "c3"]
    await kept.suspensions.decide("a", "run_1", "c3", APPROVE)
    assert ids(await claim(kept)) == ["run_1"]


async def test_an_interruption_that_is_told_twice_keeps_what_was_decided(kept: Kept) -> None:
    await decided(kept, "run_1")
    await kept.suspensions.put(waits("run_1"))
    found = await kept.suspensions.get("a", "run_1")
    assert found is not None
    assert (found.status, len(found.approvals)) == ("decided", 1)


async def test_a_run_that_was_deleted_does_not_come_back(kept: Kept) -> None:
    log = kept.runs.begin(replace(asked(), run_id="run_1"))
    made = StoredResponse("a", "r1", log.run_id, 1.0, {"status": "incomplete"})
    await kept.responses.create(made, [])
    await decided(kept, "run_1")
    await claim(kept)
    assert await kept.responses.delete("a", "r1")
    with pytest.raises(LeaseLost):
        await kept.suspensions.finish(ended("run_1"), waits("run_1", step=2))
    assert await kept.suspensions.get("a", "run_1") is None
    assert await kept.runs.get("a", "run_1") is None


async def test_what_can_not_go_on_is_failed(sql: Kept) -> None:
    log = sql.runs.begin(replace(asked(), run_id="run_1"))
    log.finish("incomplete")
    assert isinstance(sql.runs, SqlRunStore)
    await sql.runs.settled()
    await decided(sql, "run_1")
    [claimed] = await claim(sql)
    await sql.suspensions.drop(claimed.suspension, "failed", "nobody survives it")
    run = await sql.runs.get("a", "run_1")
    assert run is not None
    assert (run.status, run.error) == ("failed", "nobody survives it")
    assert await claim(sql) == []
    assert (await sql.tables())["durable_runs"] == 0


async def test_what_a_dead_process_resumed_is_taken_over_by_one_other(url: str) -> None:
    times = Clock()
    dead, one, other = (sql_stores(url, now=times) for _ in range(3))
    await decided(dead, "run_1")
    assert ids(await claim(dead)) == ["run_1"]
    await runs_of(dead).record("a", "run_1", (2, "turn"), {"said": "Hi."})
    assert await claim(one) == []
    await outlived(times, one, other)
    [claimed] = await claim(one)
    assert claimed.losses == 1
    assert await claim(other) == []
    assert await runs_of(one).steps("a", "run_1") == {(2, "turn"): {"said": "Hi."}}
    with pytest.raises(LeaseLost):
        await runs_of(dead).record("a", "run_1", (2, "turn"), {})
    with pytest.raises(LeaseLost):
        await dead.suspensions.finish(ended("run_1"), None)
    await one.suspensions.finish(ended("run_1"), None)
    assert (await one.tables())["durable_steps"] == 0
    for kept in (dead, one, other):
        await kept.aclose()


async def test_who_takes_over_hears_that_it_is_to_be_ended(url: str) -> None:
    leaves, other = sql_stores(url), sql_stores(url)
    await decided(leaves, "run_1")
    await claim(leaves)
    assert not await runs_of(other).stop("b", "run_1")
    assert await runs_of(other).stop("a", "run_1")
    assert await runs_of(leaves).cancelled() == [("a", "run_1")]
    await leaves.aclose()
    assert [each.is_cancelled for each in await claim(other)] == [True]
    await other.suspensions.finish(ended("run_1"), None)
    assert not await runs_of(other).stop("a", "run_1")
    await other.aclose()


async def test_who_stops_leaves_what_it_resumed_to_the_others(url: str) -> None:
    leaves, other = sql_stores(url), sql_stores(url)
    await decided(leaves, "run_1")
    await claim(leaves)
    await leaves.aclose()
    [claimed] = await claim(other)
    assert claimed.losses == 0
    assert await claim(other) != [], "it had to leave what it does not say that it does"
    await other.aclose()


async def test_tenants_take_turns_and_the_two_kinds_do_not_mix(sql: Kept) -> None:
    queued = StoredResponse("a", "resp_1", "run_0", 1.0, {"status": "queued", "output": []})
    await runs_of(sql).put({}, queued, [], WIDE, at_once=False)
    for tenant, run_id in (("a", "run_1"), ("a", "run_2"), ("b", "run_3")):
        await decided(sql, run_id, tenant)
        sql.clock.now += 1.0
    assert ids(await claim(sql, most=2)) == ["run_1", "run_3"]
    [background] = await runs_of(sql).claim((), 10, WIDE)
    assert background.run_id == "run_0"
    narrow = Bounds(of_tenant=2)
    assert ids(await claim(sql, "run_1", "run_3", bounds=narrow)) == [], "both kinds count"
    assert ids(await claim(sql, "run_1", "run_3")) == ["run_2"]
    assert await runs_of(sql).claim(("run_0",), 10, WIDE) == ()


async def test_it_waits_until_the_gateway_that_asked_has_written_its_run(url: str) -> None:
    first, second = sql_stores(url), sql_stores(url)
    log = first.runs.begin(replace(asked(), run_id="run_1"))
    assert isinstance(first.runs, SqlRunStore)
    await first.runs.settled()
    await decided(second, "run_1")
    assert await claim(second) == []
    log.finish("incomplete")
    await first.runs.settled()
    assert ids(await claim(second)) == ["run_1"]
    for kept in (first, second):
        await kept.aclose()


async def test_what_goes_on_is_not_swept_whatever_its_age(sql: Kept) -> None:
    assert sql.database is not None
    await decided(sql, "run_1")
    await claim(sql)
    await sweep(sql.database, Retention(), lambda: 4e9)
    assert await sql.suspensions.get("a", "run_1") is not None
    async with sql.database.write() as connection:  # as a gateway from before left it
        await connection.execute(update(durable_runs).values(run_id="run_other"))
    await sweep(sql.database, Retention(), lambda: 4e9)
    assert await sql.suspensions.get("a", "run_1") is None
