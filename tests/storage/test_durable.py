"""Who does a durable run, whose turn it is, and what another finds when that one has died."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, delete, event

from gateway.agent.ask import Heard
from gateway.agent.journal import Journal
from gateway.storage.conversations import Conversation
from gateway.storage.durable import Bounds, Claimed, DurableRuns, Ended, LeaseLost, QueueFull
from gateway.storage.items import Page
from gateway.storage.ledger import Begun, Intent, Place
from gateway.storage.responses import StoredResponse
from gateway.storage.runs import RunLog
from gateway.storage.sql.runs import SqlRunStore
from gateway.storage.sql.schema import processes
from gateway.storage.waiting import Waiting
from routing.backend import Completion, TextDelta
from tests.storage.stores import Clock, Kept, asked, item, outlived, sql_stores

AT = 1, "turn"
WIDE = Bounds()


class Gateways:
    """Processes over one database, whose time passes for all of them."""

    def __init__(self, url: str) -> None:
        self.times = Clock()
        self.url = url
        self.all: list[Kept] = []

    def one_more(self) -> Kept:
        kept = sql_stores(self.url, now=self.times)
        self.all.append(kept)
        return kept

    async def all_but(self, *living: Kept) -> None:
        """The others are not heard of until they are dead."""
        await outlived(self.times, *living)

    async def aclose(self) -> None:
        for kept in self.all:
            await kept.aclose()


def runs_of(kept: Kept) -> DurableRuns:
    assert kept.durable is not None
    return kept.durable


def made(tenant: str, run_id: str, status: str = "queued", **more: Any) -> StoredResponse:
    document = {"status": status, "output": []}
    response_id = run_id.replace("run_", "resp_")
    return StoredResponse(tenant, response_id, run_id, 1.0, document, **more)


async def put(kept: Kept, tenant: str, run_id: str, *, at_once: bool = True, **more: Any) -> bool:
    state = {"asked": run_id}
    bounds = more.pop("bounds", WIDE)
    response = made(tenant, run_id, **more)
    return await runs_of(kept).put(state, response, [], bounds, at_once=at_once)


async def claim(kept: Kept, *going: str, most: int = 10, bounds: Bounds = WIDE) -> list[Claimed]:
    return list(await runs_of(kept).claim(going, most, bounds))


def begun(kept: Kept, run_id: str, tenant: str = "a") -> RunLog:
    return kept.runs.begin(replace(asked(tenant), run_id=run_id, durable=True))


async def settled(kept: Kept) -> None:
    assert isinstance(kept.runs, SqlRunStore)
    await kept.runs.settled()


async def test_what_a_dead_process_held_is_taken_over_by_one_other(url: str) -> None:
    gateways = Gateways(url)
    dead, one, other = (gateways.one_more() for _ in range(3))
    assert await put(dead, "a", "run_1")
    await runs_of(dead).record("a", "run_1", AT, {"said": "first"})
    await runs_of(dead).record("a", "run_1", AT, {"said": "Hi."})
    assert await claim(one) == []
    await gateways.all_but(one, other)
    assert await claim(one) == [Claimed("a", "run_1", {"asked": "run_1"}, 1, is_cancelled=False)]
    assert await claim(other) == []
    assert await runs_of(one).steps("a", "run_1") == {AT: {"said": "Hi."}}
    assert await runs_of(one).steps("b", "run_1") == {}
    await gateways.aclose()


async def test_only_deaths_since_its_last_step_are_held_against_a_run(url: str) -> None:
    gateways = Gateways(url)
    dead, next_one, last = (gateways.one_more() for _ in range(3))
    assert await put(dead, "a", "run_1")
    await gateways.all_but(next_one, last)
    [claimed] = await claim(next_one)
    assert claimed.losses == 1
    await runs_of(next_one).record("a", "run_1", AT, {"said": "Hi."})
    await gateways.all_but(last)
    [claimed] = await claim(last)
    assert claimed.losses == 1
    await gateways.aclose()


async def test_who_was_taken_for_dead_does_and_writes_nothing_more(url: str) -> None:
    gateways = Gateways(url)
    silent, watching = gateways.one_more(), gateways.one_more()
    await put(silent, "a", "run_1")
    log = begun(silent, "run_1")
    await settled(silent)  # a gateway that writes is alive
    await gateways.all_but(watching)
    assert len(await claim(watching)) == 1
    log.finish("completed")
    with pytest.raises(LeaseLost):
        await runs_of(silent).record("a", "run_1", AT, {})
    with pytest.raises(LeaseLost):
        await silent.ledger.begin(Intent(Place("a", "run_1", "1.x"), "pay", {}, "key"))
    with pytest.raises(LeaseLost):
        await runs_of(silent).finish(log, Ended(made("a", "run_1", "completed"), []))
    with pytest.raises(LeaseLost):
        await runs_of(silent).drop(made("a", "run_1", "failed"), "why")
    intent = Intent(Place("a", "run_1", "1.x"), "pay", {}, "key")
    assert isinstance(await watching.ledger.begin(intent), Begun)
    await gateways.aclose()


async def test_what_a_run_came_to_is_there_at_once_or_not_at_all(url: str) -> None:
    gateways = Gateways(url)
    kept = gateways.one_more()
    talk = Conversation("a", "conv_1", 1.0, {})
    await kept.conversations.create(talk, [])
    await put(kept, "a", "run_1", conversation_id="conv_1")
    log = begun(kept, "run_1")
    await settled(kept)
    log.finish("completed")
    await settled(kept)
    other = gateways.one_more()
    before = await other.runs.get("a", "run_1")
    assert before is not None
    assert before.status == "running"
    response = made("a", "run_1", "completed", conversation_id="conv_1")
    ended = Ended(response, [item("out")], [{"sequence_number": 0}], [item("in"), item("out")])
    await runs_of(kept).finish(log, ended)
    after = await other.runs.get("a", "run_1")
    found = await other.responses.get("a", "resp_1")
    said = await other.conversations.items("a", "conv_1", Page())
    assert after is not None
    assert found is not None
    assert (after.status, found.document["status"]) == ("completed", "completed")
    assert sorted(each["id"] for each in said.items) == ["in", "out"]
    with pytest.raises(LeaseLost):  # it happens once
        await runs_of(kept).finish(log, ended)
    assert set((await kept.tables()).items()) >= {("durable_runs", 0), ("durable_steps", 0)}
    await gateways.aclose()


async def test_a_run_that_can_be_taken_over_has_not_failed(url: str) -> None:
    gateways = Gateways(url)
    dead, living = gateways.one_more(), gateways.one_more()
    await put(dead, "a", "run_1")
    begun(dead, "run_1")
    await settled(dead)
    await gateways.all_but(living)
    assert await living.responses.unfinished(own=False) == ()
    assert len(await claim(living)) == 1
    log = await living.runs.restart(replace(asked(), run_id="run_1", durable=True))
    log.finish("completed")
    await runs_of(living).finish(log, Ended(made("a", "run_1", "completed"), []))
    found = await living.runs.get("a", "run_1")
    assert found is not None
    assert found.status == "completed"
    await gateways.aclose()


async def test_a_process_finds_again_what_it_had_to_leave_but_not_what_it_does(url: str) -> None:
    gateways = Gateways(url)
    kept = gateways.one_more()
    await put(kept, "a", "run_1")
    assert await claim(kept, "run_1") == []
    assert [each.losses for each in await claim(kept)] == [0]
    await gateways.aclose()


async def test_what_goes_on_here_is_never_taken_here_once_more(url: str) -> None:
    """A payment was made twice: a crash of the database had taken that its process lived, which took its run again."""
    gateways = Gateways(url)
    kept, other = gateways.one_more(), gateways.one_more()
    await put(kept, "a", "run_1")
    assert kept.database is not None
    async with kept.database.write() as connection:
        await connection.execute(delete(processes))
    assert await claim(kept, "run_1") == []
    assert [each.run_id for each in await claim(other)] == ["run_1"]
    await gateways.aclose()


async def test_how_many_wait_for_a_process_is_told_and_since_when(url: str) -> None:
    gateways = Gateways(url)
    dead, living = gateways.one_more(), gateways.one_more()
    await put(dead, "a", "run_1")
    assert await runs_of(living).waiting() == Waiting(0, None)
    await put(dead, "a", "run_2", at_once=False)
    assert await runs_of(living).waiting() == Waiting(1, 1.0)
    await gateways.all_but(living)
    assert await runs_of(living).waiting() == Waiting(2, 1.0)
    assert len(await claim(living)) == 2
    assert await runs_of(living).waiting() == Waiting(0, None)
    await gateways.aclose()


async def test_a_step_is_decided_once(url: str) -> None:
    gateways = Gateways(url)
    kept = gateways.one_more()
    await put(kept, "a", "run_1")
    await runs_of(kept).record("a", "run_1", AT, {"said": "Hi."}, once=True)
    with pytest.raises(LeaseLost, match="decided"):
        await runs_of(kept).record("a", "run_1", AT, {"said": "Ho."}, once=True)
    await runs_of(kept).record("a", "run_1", (2, "turn"), {"said": "Ho."}, once=True)
    steps = await runs_of(kept).steps("a", "run_1")
    assert steps == {AT: {"said": "Hi."}, (2, "turn"): {"said": "Ho."}}
    await gateways.aclose()


async def test_who_hears_a_step_that_was_decided_meanwhile_stops(url: str) -> None:
    """Two that read the journal before either had decided: the second must not act upon its own decision."""
    gateways = Gateways(url)
    kept = gateways.one_more()
    await put(kept, "a", "run_1")
    request = replace(asked("a"), run_id="run_1", durable=True)
    first, second = [await Journal.read(runs_of(kept), request) for _ in range(2)]

    async def said(text: str) -> AsyncGenerator[TextDelta | Heard]:
        yield Heard(Completion(text=text), 0.1)

    assert [each async for each in first.hear(1, "small", said("Pay."))]
    with pytest.raises(LeaseLost, match="decided"):
        assert [each async for each in second.hear(1, "small", said("Pay."))]
    await gateways.aclose()


async def test_that_a_process_lives_is_on_the_disk_before_it_does_anything(url: str) -> None:
    gateways = Gateways(url)
    kept = gateways.one_more()
    assert kept.database is not None
    begun = list[bool]()

    @event.listens_for(kept.database.engine.sync_engine, "begin")
    def _begun(connection: Connection) -> None:
        begun.append(bool(connection.get_execution_options().get("durable")))

    async with kept.database.write():
        pass
    assert begun == [True, False]
    await gateways.aclose()


async def test_who_stops_hands_over_what_it_holds_at_once(url: str) -> None:
    gateways = Gateways(url)
    stopping, living = gateways.one_more(), gateways.one_more()
    await put(stopping, "a", "run_1")
    await runs_of(stopping).aclose()
    stopping.durable = None
    assert [each.losses for each in await claim(living)] == [0]
    await gateways.aclose()


async def test_a_write_that_is_under_way_is_waited_for(url: str) -> None:
    gateways = Gateways(url)
    kept, other = gateways.one_more(), gateways.one_more()
    await put(kept, "a", "run_1")
    intent = Intent(Place("a", "run_1", "1.x"), "pay", {}, "key")
    assert isinstance(await kept.ledger.begin(intent), Begun)
    assert await claim(kept) == []
    await gateways.all_but(other)
    assert len(await claim(other)) == 1
    entry = await other.ledger.get(intent.place)
    assert entry is not None
    assert entry.state == "unknown"
    await gateways.aclose()


async def test_tenants_take_turns_however_much_one_asks_for(url: str) -> None:
    gateways = Gateways(url)
    kept, other = gateways.one_more(), gateways.one_more()
    for number in range(6):
        await put(kept, "loud", f"run_{number}", at_once=False)
    await put(kept, "quiet", "run_8", at_once=False)
    await put(kept, "quiet", "run_9", at_once=False)
    first = await claim(kept, most=3)
    assert [each.run_id for each in first] == ["run_0", "run_8", "run_1"]
    second = await claim(other, most=2)
    assert [each.run_id for each in second] == ["run_9", "run_2"]
    await gateways.aclose()


async def test_a_tenant_has_so_many_going_in_all_processes_together(url: str) -> None:
    gateways, bounds = Gateways(url), Bounds(of_tenant=2, waiting=4)
    kept, other = gateways.one_more(), gateways.one_more()
    assert await put(kept, "a", "run_1", bounds=bounds)
    assert not await put(kept, "a", "run_2", at_once=False, bounds=bounds)
    assert not await put(kept, "a", "run_3", bounds=bounds)  # whose turn it is comes first
    assert await put(other, "b", "run_9", bounds=bounds)
    await put(other, "a", "run_4", bounds=bounds)
    with pytest.raises(QueueFull):
        await put(other, "a", "run_5", bounds=bounds)
    assert await kept.responses.get("a", "resp_5") is None
    assert [each.run_id for each in await claim(other, "run_9", bounds=bounds)] == ["run_2"]
    assert await claim(kept, "run_1", bounds=bounds) == []
    await gateways.aclose()


async def test_what_waits_is_cancelled_at_once_and_what_goes_on_is_told_so(url: str) -> None:
    gateways = Gateways(url)
    kept, other = gateways.one_more(), gateways.one_more()
    await put(kept, "a", "run_1", at_once=False)
    await put(kept, "a", "run_2", bounds=Bounds(), at_once=False)
    assert [each.run_id for each in await claim(kept, most=1)] == ["run_1"]
    assert await runs_of(other).cancel(made("a", "run_2", "cancelled"), "stopped")
    assert not await runs_of(other).cancel(made("a", "run_1", "cancelled"), "stopped")
    assert await runs_of(other).cancel(made("a", "run_3", "cancelled"), "stopped")  # no such run
    assert await runs_of(other).cancelled() == []
    assert await runs_of(kept).cancelled() == [("a", "run_1")]
    found = await other.responses.get("a", "resp_2")
    assert found is not None
    assert found.document["status"] == "cancelled"
    await gateways.all_but(other)
    assert [each.is_cancelled for each in await claim(other)] == [True]
    await runs_of(other).drop(made("a", "run_1", "cancelled"), "stopped")
    assert (await other.tables())["durable_runs"] == 0
    await gateways.aclose()


async def test_every_process_knows_whether_a_run_is_done_or_waits(url: str) -> None:
    gateways = Gateways(url)
    one, other = gateways.one_more(), gateways.one_more()
    await put(one, "a", "run_1", at_once=False)
    for kept in (one, other):
        assert not await runs_of(kept).is_held("a", "run_1")
    await claim(one)
    for kept in (one, other):
        assert await runs_of(kept).is_held("a", "run_1")
        assert not await runs_of(kept).is_held("b", "run_1")
    await gateways.all_but(other)
    assert not await runs_of(other).is_held("a", "run_1"), "whoever did it is dead"
    await gateways.aclose()
