"""Which run is thought to be what kills gateways: one that does is given up, and one that is only there goes on.

Gateways over a database are killed here by a simulation, as often as it likes and within milliseconds: one that is
killed is a new process over the same connections, and what it held is nobody's.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import delete

from gateway.storage.durable import MOST_LOSSES, SUSPECT_LOSSES, Bounds, DurableRuns
from gateway.storage.responses import StoredResponse
from gateway.storage.sql.processes import Process
from gateway.storage.sql.schema import processes
from gateway.storage.suspensions import Suspension
from tests.storage.stores import Kept, sql_stores

_STEPS = 3
_WIDE = Bounds()
_APPROVE: dict[str, Any] = {"decision": "approve"}


def ended(run_id: str, status: str) -> StoredResponse:
    document = {"status": status, "output": []}
    return StoredResponse("a", run_id.replace("run_", "resp_"), run_id, 1.0, document)


@dataclass
class Gateway:
    """One place at which there always is a gateway. `doing` are its runs and how many steps each has made."""

    kept: Kept
    doing: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def durable(self) -> DurableRuns:
        assert self.kept.durable is not None
        return self.kept.durable

    async def die(self) -> None:
        """And be replaced."""
        database = self.kept.database
        assert database is not None
        dead, database.process = database.process.id, Process()
        self.doing.clear()
        async with database.write() as connection:
            await connection.execute(delete(processes).where(processes.c.id == dead))


@dataclass
class Farm:
    """Gateways, the runs that they do, what each came to, and how often a gateway died."""

    gateways: list[Gateway]
    chance: random.Random
    poisons: Collection[str] = ()
    made: Counter[str] = field(default_factory=Counter[str])
    came_to: dict[str, str] = field(default_factory=dict[str, str])
    deaths: Counter[str] = field(default_factory=Counter[str])

    async def put(self, runs: int) -> None:
        for number in range(runs):
            response = ended(f"run_{number}", "queued")
            await self.gateways[0].durable.put({}, response, [], _WIDE, at_once=False)

    async def claim(self, gateway: Gateway) -> None:
        for each in await gateway.durable.claim(list(gateway.doing), 10, _WIDE):
            if each.losses > MOST_LOSSES:
                await self.end(gateway, each.run_id, "failed")
            else:
                gateway.doing[each.run_id] = self.made[each.run_id]

    async def step(self, gateway: Gateway) -> bool:
        """One of its runs makes a step, or kills it; False where it has none."""
        if not gateway.doing:
            return False
        run_id = self.chance.choice(list(gateway.doing))
        if run_id in self.poisons and self.made[run_id] == 1:
            self.deaths[run_id] += 1
            await gateway.die()
            return True
        if self.made[run_id] == _STEPS:
            await self.end(gateway, run_id, "completed")
            return True
        self.made[run_id] += 1
        await gateway.durable.record("a", run_id, (self.made[run_id], "turn"), {})
        return True

    async def end(self, gateway: Gateway, run_id: str, status: str) -> None:
        gateway.doing.pop(run_id, None)
        self.came_to[run_id] = status
        await gateway.durable.drop(ended(run_id, status), "")

    async def go_on(self, runs: int, kills: int, steps_between: int) -> None:
        """Until all is over: one gateway is killed after each so many steps of all together, `kills` times."""
        until = steps_between
        while len(self.came_to) < runs:
            for gateway in self.gateways:
                await self.claim(gateway)
                until -= await self.step(gateway)
                if until <= 0 and self.deaths["by chance"] < kills:
                    until = steps_between
                    self.deaths["by chance"] += 1
                    await self.chance.choice(self.gateways).die()


@pytest.fixture
async def gateways(url: str) -> AsyncIterator[list[Gateway]]:
    found = [Gateway(sql_stores(url)) for _ in range(3)]
    yield found
    for each in found:
        await each.kept.aclose()


async def test_what_is_only_there_when_gateways_are_killed_is_never_given_up(
    gateways: list[Gateway],
) -> None:
    farm, runs, kills = Farm(gateways, random.Random(7)), 40, 70
    await farm.put(runs)
    await farm.go_on(runs, kills, steps_between=2)
    assert farm.deaths["by chance"] == kills
    assert Counter(farm.came_to.values()) == {"completed": runs}


@pytest.mark.parametrize("poisons", [("run_0",), ("run_5", "run_6")], ids=["one", "two"])
async def test_what_kills_gateways_is_given_up_and_takes_no_other_along(
    gateways: list[Gateway], poisons: tuple[str, ...]
) -> None:
    farm, runs = Farm(gateways, random.Random(8), poisons), 20
    await farm.put(runs)
    await farm.go_on(runs, kills=5, steps_between=8)
    given_up = {run_id for run_id, status in farm.came_to.items() if status == "failed"}
    assert given_up == set(poisons)
    for each in poisons:
        assert MOST_LOSSES - 5 <= farm.deaths[each] <= MOST_LOSSES + 1


async def lose(gateway: Gateway, times: int, *others: Gateway) -> None:
    """Everything that is free is taken, and lost, so many times."""
    for _ in range(times):
        await gateway.durable.claim((), 10, _WIDE)
        await gateway.die()


async def test_a_gateway_does_one_suspect_at_a_time_whoever_is_not_one_goes_on(
    gateways: list[Gateway],
) -> None:
    one, other, _ = gateways
    await Farm(gateways, random.Random(0)).put(2)
    await lose(one, SUSPECT_LOSSES)
    response = ended("run_9", "queued")
    await one.durable.put({}, response, [], _WIDE, at_once=False)
    first = await one.durable.claim((), 10, Bounds(of_tenant=2))
    assert sorted(each.run_id for each in first) == ["run_0", "run_9"]
    assert not await one.durable.claim(["run_0", "run_9"], 10, _WIDE)
    left = await one.durable.claim(["run_9"], 10, _WIDE)
    assert [each.run_id for each in left] == ["run_0"], "the store was away, and it had to leave it"
    assert [each.run_id for each in await other.durable.claim((), 10, _WIDE)] == ["run_1"]


async def test_the_suspects_of_all_tenants_are_done_one_at_a_time(gateways: list[Gateway]) -> None:
    one, other, _ = gateways
    for tenant in ("a", "b"):
        response = replace(ended(f"run_{tenant}", "queued"), tenant=tenant)
        await one.durable.put({}, response, [], _WIDE, at_once=False)
    await lose(one, SUSPECT_LOSSES)
    assert [each.tenant for each in await one.durable.claim((), 10, _WIDE)] == ["a"]
    assert [each.tenant for each in await other.durable.claim((), 10, _WIDE)] == ["b"]


async def test_who_made_a_step_is_no_suspect_any_more(gateways: list[Gateway]) -> None:
    one, _, _ = gateways
    await Farm(gateways, random.Random(0)).put(2)
    await lose(one, SUSPECT_LOSSES)
    [claimed] = await one.durable.claim((), 10, _WIDE)
    await one.durable.record("a", claimed.run_id, (1, "turn"), {})
    [following] = await one.durable.claim([claimed.run_id], 10, _WIDE)
    assert {claimed.run_id, following.run_id} == {"run_0", "run_1"}


async def test_the_one_that_fewest_died_over_comes_first(gateways: list[Gateway]) -> None:
    one, other, _ = gateways
    await Farm(gateways, random.Random(0)).put(2)
    await lose(one, SUSPECT_LOSSES)
    [first] = await one.durable.claim((), 10, _WIDE)
    await one.die()
    [following] = await one.durable.claim((), 10, _WIDE)
    [last] = await other.durable.claim((), 10, _WIDE)
    assert [following.losses, last.losses] == [SUSPECT_LOSSES, SUSPECT_LOSSES + 1]
    assert last.run_id == first.run_id


async def test_what_goes_on_after_a_decision_is_a_suspect_as_well(gateways: list[Gateway]) -> None:
    one, other, _ = gateways
    for run_id in ("run_1", "run_2"):
        approval = {"call_id": "c1", "step": 2, "decision": None, "expires_at": 9e9}
        kept = Suspension("a", run_id, 2, 1.0, 9e9, (approval,), {})
        await one.kept.suspensions.put(kept)
        await one.kept.suspensions.decide("a", run_id, "c1", _APPROVE)
    for _ in range(SUSPECT_LOSSES):
        assert len(await one.kept.suspensions.claim((), 10, _WIDE)) == 2
        await one.die()
    await Farm(gateways, random.Random(0)).put(1)
    [claimed] = await one.kept.suspensions.claim((), 10, _WIDE)
    assert claimed.losses == SUSPECT_LOSSES
    assert len(await one.durable.claim((), 10, _WIDE)) == 1, "it is no suspect"
    going = [claimed.suspension.run_id]
    assert not await one.kept.suspensions.claim(going, 10, _WIDE)
    assert len(await other.kept.suspensions.claim((), 10, _WIDE)) == 1


async def test_a_gateway_that_does_a_suspect_of_one_kind_takes_none_of_the_other(
    gateways: list[Gateway],
) -> None:
    one, other, _ = gateways
    await Farm(gateways, random.Random(0)).put(1)
    approval = {"call_id": "c1", "step": 2, "decision": None, "expires_at": 9e9}
    await one.kept.suspensions.put(Suspension("a", "run_9", 2, 1.0, 9e9, (approval,), {}))
    await one.kept.suspensions.decide("a", "run_9", "c1", _APPROVE)
    for _ in range(SUSPECT_LOSSES):
        await one.durable.claim((), 10, _WIDE)
        await one.kept.suspensions.claim((), 10, _WIDE)
        await one.die()
    assert len(await one.durable.claim((), 10, _WIDE)) == 1
    assert not await one.kept.suspensions.claim((), 10, _WIDE)
    assert len(await other.kept.suspensions.claim((), 10, _WIDE)) == 1
