"""Schedules at rest: whose they are, when they are due, and that a fire is one process's alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.storage.durable import Bounds, QueueFull
from gateway.storage.responses import StoredResponse
from gateway.storage.schedules import (
    RUNS_KEPT,
    Fire,
    FireTaken,
    Firing,
    Schedule,
    TooManySchedules,
)
from gateway.storage.waiting import Waiting
from tests.storage.stores import Kept, sql_stores


def made(name: str = "sched_1", tenant: str = "a", at: float = 100.0, **more: Any) -> Schedule:
    plan = {"when": {"every_s": 60.0}, "request": {"input": "Go. \0"}}
    return Schedule(tenant, name, 1.0, "k", "app", plan, at, at, **more)


def firing(schedule: Schedule, next_at: float | None = 160.0, **more: Any) -> Firing:
    assert schedule.next_at is not None
    fire = Fire(
        schedule.tenant,
        schedule.id,
        schedule.fires + 1,
        schedule.next_at,
        schedule.next_at,
        101.0,
        more.pop("outcome", "started"),
        **more,
    )
    return Firing(fire, schedule.next_at, next_at)


async def get(kept: Kept, name: str = "sched_1", tenant: str = "a") -> Schedule:
    found = await kept.schedules.get(tenant, name)
    assert found is not None
    return found


async def test_what_is_kept_comes_back_to_its_tenant_alone(kept: Kept) -> None:
    one, two = made(), replace(made("sched_2"), created_at=2.0)
    odd = made("sched_3", tenant="b \0")
    for each in (one, two, odd):
        await kept.schedules.add(each, most=2)
    assert await kept.schedules.list("a") == [two, one]
    assert await kept.schedules.list("b \0") == [odd]
    assert await kept.schedules.get("b", "sched_1") is None
    assert not await kept.schedules.delete("b", "sched_1")
    assert await kept.schedules.delete("a", "sched_1")
    assert await kept.schedules.get("a", "sched_1") is None


async def test_a_tenant_has_so_many_and_no_more(kept: Kept) -> None:
    await kept.schedules.add(made(), most=1)
    with pytest.raises(TooManySchedules):
        await kept.schedules.add(made("sched_2"), most=1)
    await kept.schedules.add(made("sched_2", tenant="b"), most=1)


async def test_what_is_due_comes_in_the_order_of_its_time_unless_it_rests(kept: Kept) -> None:
    for name, at in (("late", 300.0), ("first", 100.0), ("second", 200.0), ("rests", 100.0)):
        await kept.schedules.add(made(name, at=at), most=9)
    assert await kept.schedules.move(await get(kept, "rests"), "paused", "", 100.0)
    assert [each.id for each in await kept.schedules.due(250.0, 9)] == ["first", "second"]
    assert [each.id for each in await kept.schedules.due(250.0, 1)] == ["first"]
    await kept.schedules.put_off(await get(kept, "first"), 400.0)
    assert [each.id for each in await kept.schedules.due(350.0, 9)] == ["second", "late"]
    assert (await get(kept, "first")).next_at == 100.0


async def test_how_many_are_overdue_is_told_and_since_when(kept: Kept) -> None:
    for name, at in (("late", 300.0), ("first", 100.0), ("second", 200.0), ("rests", 50.0)):
        await kept.schedules.add(made(name, at=at), most=9)
    assert await kept.schedules.move(await get(kept, "rests"), "paused", "", 50.0)
    await kept.schedules.put_off(await get(kept, "first"), 400.0)
    assert await kept.schedules.waiting(99.0) == Waiting(0, None)
    assert await kept.schedules.waiting(250.0) == Waiting(2, 100.0)


async def test_a_fire_moves_the_schedule_on_and_is_written_down(kept: Kept) -> None:
    await kept.schedules.add(made(), most=9)
    first = firing(await get(kept), response_id="resp_1", run_id="run_1")
    await kept.schedules.claim(first)
    moved = await get(kept)
    assert (moved.fires, moved.next_at, moved.look_at) == (1, 160.0, 160.0)
    assert moved.last_response_id == "resp_1"
    skipped = firing(moved, None, outcome="skipped", reason="why")
    await kept.schedules.claim(skipped)
    over = await get(kept)
    assert (over.state, over.next_at, over.last_response_id) == ("done", None, "resp_1")
    assert await kept.schedules.fires("a", "sched_1", 9) == [skipped.fire, first.fire]
    assert await kept.schedules.due(9e9, 9) == []


async def test_who_read_it_before_it_changed_can_neither_fire_nor_move_it(kept: Kept) -> None:
    await kept.schedules.add(made(), most=9)
    read = await get(kept)
    await kept.schedules.claim(firing(read))
    for stale in (firing(read), firing(replace(read, fires=1)), firing(made("none"))):
        with pytest.raises(FireTaken):
            await kept.schedules.claim(stale)
    assert not await kept.schedules.move(read, "paused", "", None)
    await kept.schedules.put_off(read, 500.0)
    now = await get(kept)
    assert (now.state, now.look_at, now.fires) == ("active", 160.0, 1)
    assert await kept.schedules.move(now, "stopped", "its key was revoked", None)
    with pytest.raises(FireTaken):
        await kept.schedules.claim(firing(now))


async def test_an_edit_takes_its_place_unless_it_changed_meanwhile(kept: Kept) -> None:
    await kept.schedules.add(made(), most=9)
    read = await get(kept)
    plan = {"when": {"at": "2027-01-01"}, "request": {}}
    changed = replace(
        read, key="k2", role="operator", plan=plan, next_at=7.0, look_at=7.0, reason="why"
    )
    assert await kept.schedules.edit(read, changed)
    assert await get(kept) == changed
    assert not await kept.schedules.edit(read, replace(read, key="k3")), "the times are others"
    named = replace(changed, plan={**plan, "name": "news"})
    assert await kept.schedules.edit(changed, named)
    assert not await kept.schedules.edit(changed, changed), "the plan is another"
    assert await get(kept) == named
    await kept.schedules.delete("a", "sched_1")
    assert not await kept.schedules.edit(named, changed)


async def test_of_many_that_claim_a_fire_at_once_one_has_it(url: str) -> None:
    replicas = [sql_stores(url) for _ in range(4)]
    await replicas[0].schedules.add(made(), most=9)
    read = await get(replicas[0])
    ended = await asyncio.gather(
        *(each.schedules.claim(firing(read)) for each in replicas), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in ended) == ["FireTaken"] * 3 + ["NoneType"]
    assert len(await replicas[0].schedules.fires("a", "sched_1", 9)) == 1
    for each in replicas:
        await each.aclose()


async def test_the_oldest_fires_are_forgotten_and_all_of_them_with_their_schedule(
    kept: Kept,
) -> None:
    await kept.schedules.add(made(), most=9)
    for number in range(RUNS_KEPT + 3):
        await kept.schedules.claim(firing(await get(kept), 160.0 + number))
    fires = await kept.schedules.fires("a", "sched_1", 1000)
    assert [fire.number for fire in fires] == list(range(RUNS_KEPT + 3, 3, -1))
    await kept.schedules.delete("a", "sched_1")
    assert await kept.schedules.fires("a", "sched_1", 9) == []
    if kept.database is not None:
        assert (await kept.tables())["schedule_fires"] == 0


async def test_a_fire_and_its_run_begin_together_or_not_at_all(sql: Kept) -> None:
    assert sql.durable is not None
    await sql.schedules.add(made(), most=9)
    read = await get(sql)

    def put(run_id: str, bounds: Bounds) -> Any:
        assert sql.durable is not None
        document = {"status": "queued", "output": []}
        response = StoredResponse("a", f"resp_{run_id}", run_id, 1.0, document)
        return sql.durable.put({}, response, [], bounds, at_once=False, firing=firing(read))

    with pytest.raises(QueueFull):
        await put("run_0", Bounds(waiting=0))
    assert (await get(sql)).fires == 0
    await put("run_1", Bounds())
    with pytest.raises(FireTaken):
        await put("run_2", Bounds())
    tables = await sql.tables()
    assert (tables["durable_runs"], tables["responses"], tables["schedule_fires"]) == (1, 1, 1)
