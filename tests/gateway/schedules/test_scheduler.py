"""What is due begins: once, with the authority of its key, and after what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.access.check import KeyCheck
from gateway.access.issuing import create, rotate
from gateway.api.responses.live import LiveResponses
from gateway.api.schedules.scheduler import HOLD_S, Scheduler
from gateway.schedules.plan import Plan
from gateway.services import Services
from gateway.storage.durable import Bounds
from gateway.storage.errors import StorageUnavailable
from gateway.storage.memory_keys import MemoryKeyStore
from gateway.storage.schedules import Fire, Schedule
from gateway.telemetry.metrics import RunMetrics
from gateway.telemetry.telemetry import Telemetry
from policies.decision import Deny
from policies.policy import Policies, Policy
from routing.backends.scripted import Say
from tests.gateway.conftest import build
from tests.gateway.responses.test_taking_over import model, over

MINUTE = 60.0


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Stage:
    """One gateway, or several, over the same stores and the same clock."""

    services: Services
    live: LiveResponses
    clock: Clock
    made: list[Schedule] = field(default_factory=list[Schedule])

    @property
    def scheduler(self) -> Scheduler:
        return Scheduler(self.services, self.live)

    async def keep(self, **said: Any) -> str:
        """A schedule that is due each minute, unless it says otherwise."""
        key = said.pop("key", "")
        plan = Plan(
            said.pop("when", {"every_s": MINUTE}), said.pop("request", {"input": "Go."}), **said
        )
        at = plan.times(self.clock.now).after(self.clock.now)
        name = f"sched_{len(self.made)}"
        made = Schedule(
            "default", name, self.clock.now, key, "app", plan.as_data(), next_at=at, look_at=at
        )
        self.made.append(made)
        await self.services.schedules.add(made, 99)
        return name

    async def pass_(self, seconds: float) -> None:
        """Time passes, and a gateway looks."""
        self.clock.now += seconds
        await self.scheduler.look()

    async def fires(self, name: str = "sched_0") -> list[Fire]:
        return list(reversed(await self.services.schedules.fires("default", name, 99)))

    async def get(self, name: str = "sched_0") -> Schedule:
        found = await self.services.schedules.get("default", name)
        assert found is not None
        return found

    async def answers(self) -> list[str]:
        """The status of each response that was begun, once it is over."""
        told: list[str] = []
        for fire in await self.fires():
            if fire.response_id is not None:
                async for _ in self.live.follow("default", fire.response_id):
                    pass
                found = await self.services.responses.get("default", fire.response_id)
                assert found is not None
                told.append(found.document["status"])
        return told


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    async with asyncio.timeout(60), AsyncExitStack() as stack:
        yield stack


async def stage(opened: AsyncExitStack, script: list[Any], **services: Any) -> Stage:
    """A gateway that keeps everything in memory."""
    clock = services.pop("clock", None) or Clock()
    built, _ = build(script, clock=clock, **services)
    return await on(opened, built, clock)


async def on(opened: AsyncExitStack, services: Services, clock: Clock) -> Stage:
    opened.push_async_callback(services.aclose)
    live = await opened.enter_async_context(LiveResponses(services))
    return Stage(services, live, clock)


async def test_what_is_due_is_answered_in_the_background_and_comes_again(
    opened: AsyncExitStack,
) -> None:
    here = await stage(opened, [Say("One."), Say("Two.")])
    await here.keep()
    await here.pass_(59.0)
    assert await here.fires() == []
    await here.pass_(1.5)
    assert await here.answers() == ["completed"]
    await here.pass_(30.0)
    await here.pass_(30.0)
    assert await here.answers() == ["completed", "completed"]
    first, second = await here.fires()
    assert (first.number, first.due_at, first.fired_at) == (1, 1060.0, 1060.5)
    assert (second.due_at, (await here.get()).next_at) == (1120.0, 1180.0)


async def test_one_time_is_done_with_when_it_came(opened: AsyncExitStack) -> None:
    here = await stage(opened, [Say("One.")])
    await here.keep(when={"at": "1970-01-01T00:20:00Z"})
    await here.pass_(200.0)
    await here.pass_(200.0)
    assert await here.answers() == ["completed"]
    assert (await here.get()).state == "done"


async def test_what_nobody_looked_at_comes_once_and_says_since_when(
    opened: AsyncExitStack,
) -> None:
    here = await stage(opened, [Say("One.")])
    await here.keep()
    await here.pass_(3600.0)
    await here.pass_(0.0)
    [fire] = await here.fires()
    assert (fire.since, fire.due_at) == (1060.0, 4600.0)
    assert (await here.get()).next_at == 4660.0


async def test_each_missed_time_comes_where_that_is_wanted(opened: AsyncExitStack) -> None:
    here = await stage(opened, [Say("One."), Say("Two."), Say("Three.")])
    await here.keep(missed="all")
    here.clock.now += 185.0
    for _ in range(4):
        await here.scheduler.look()
        await here.answers()
    assert [fire.due_at for fire in await here.fires()] == [1060.0, 1120.0, 1180.0]


async def test_missed_times_are_left_out_where_that_is_wanted(opened: AsyncExitStack) -> None:
    here = await stage(opened, [Say("One.")])
    await here.keep(when={"every_s": 600.0}, missed="none")
    await here.pass_(600.0 + 61.0)
    [fire] = await here.fires()
    assert (fire.outcome, fire.response_id) == ("skipped", None)
    assert "missed" in fire.reason
    await here.pass_(600.0 - 61.0 + 59.0)  # late, and not missed
    assert [fire.outcome for fire in await here.fires()] == ["skipped", "started"]


async def test_a_run_is_left_out_while_the_one_before_goes_on(opened: AsyncExitStack) -> None:
    go = asyncio.Event()
    here = await stage(opened, [Say("One.", pauses={0: go}), Say("Two.")])
    await here.keep()
    await here.pass_(MINUTE)
    await here.pass_(MINUTE)
    outcomes = [fire.outcome for fire in await here.fires()]
    assert outcomes == ["started", "skipped"]
    go.set()
    assert await here.answers() == ["completed"]
    await here.pass_(MINUTE)
    assert await here.answers() == ["completed", "completed"]


async def test_a_run_waits_for_the_end_of_the_one_before_where_that_is_wanted(
    opened: AsyncExitStack,
) -> None:
    go = asyncio.Event()
    here = await stage(opened, [Say("One.", pauses={0: go}), Say("Two.")])
    await here.keep(overlap="queue")
    await here.pass_(MINUTE)
    await here.pass_(MINUTE)
    assert len(await here.fires()) == 1
    go.set()
    assert await here.answers() == ["completed"]
    await here.pass_(HOLD_S)
    assert await here.answers() == ["completed", "completed"]
    assert [fire.due_at for fire in await here.fires()] == [1060.0, 1120.0]


async def test_many_gateways_that_look_at_once_begin_it_once(
    opened: AsyncExitStack, tmp_path: Path
) -> None:
    clock, stages = Clock(), list[Stage]()
    for _ in range(3):
        services, _ = await asyncio.to_thread(over, tmp_path / "gateway.db", [Say("One.")])
        stores = services.durable
        assert stores is not None
        kept = replace(services, clock=clock, schedules=sql_schedules(services))
        stages.append(await on(opened, kept, clock))
    await stages[0].keep()
    clock.now += MINUTE
    await asyncio.gather(*(each.scheduler.look() for each in stages))
    assert await stages[0].answers() == ["completed"]
    assert len(await stages[0].fires()) == 1
    assert sum(len(model(each.services).turns) for each in stages) == 1


def sql_schedules(services: Services) -> Any:
    """The store that the durable runs claim in."""
    return vars(services.durable)["_schedules"]


async def test_what_the_store_did_not_take_is_begun_when_it_answers(
    opened: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    services, _ = await asyncio.to_thread(over, tmp_path / "gateway.db", [Say("One.")])
    here = await on(
        opened, replace(services, clock=clock, schedules=sql_schedules(services)), clock
    )
    await here.keep()
    assert services.durable is not None
    put = services.durable.put

    async def broken(*arguments: Any, **more: Any) -> bool:
        await put(*arguments, **more)
        raise StorageUnavailable("the answer was lost")

    monkeypatch.setattr(services.durable, "put", broken)
    await here.pass_(MINUTE)
    monkeypatch.undo()
    for _ in range(3):  # it was kept, though nobody heard so: it is neither lost nor begun again
        await here.pass_(HOLD_S)
    assert len(await here.fires()) == 1
    assert await here.answers() == ["completed"]


async def test_a_full_queue_is_waited_for(opened: AsyncExitStack) -> None:
    here = await stage(opened, [Say("One.")], queue=Bounds(waiting=0))
    await here.keep()
    await here.pass_(MINUTE)
    assert await here.fires() == []
    assert (await here.get()).look_at == 1060.0 + HOLD_S
    here.services = replace(here.services, queue=Bounds())
    async with LiveResponses(here.services) as here.live:
        await here.pass_(HOLD_S)
        assert await here.answers() == ["completed"]


async def test_what_can_not_be_asked_any_more_says_why_and_comes_again(
    opened: AsyncExitStack,
) -> None:
    here = await stage(opened, [])
    await here.keep(request={"input": "Go.", "conversation": "conv_gone"})
    await here.pass_(MINUTE)
    [fire] = await here.fires()
    assert (fire.outcome, fire.response_id) == ("failed", None)
    assert "conv_gone" in fire.reason
    assert (await here.get()).next_at == 1120.0


class NotToday(Policy):
    def on_request(self, subject: Any, messages: Any) -> Any:
        assert (subject.key, subject.tenant) == (self.key, "default")
        return Deny("not-today", "not today")

    def __init__(self, key: str) -> None:
        self.key = key


async def test_policies_are_asked_as_for_any_request_of_the_key(opened: AsyncExitStack) -> None:
    keys, clock = MemoryKeyStore(), Clock()
    issued = await create(keys, tenant="default", role="app", name="", expires_in_s=None)
    access = KeyCheck(keys, now=clock)
    rules = Policies([NotToday(issued.key.id)])
    here = await stage(opened, [], keys=keys, access=access, policies=rules, clock=clock)
    await here.keep(key=issued.key.id)
    await here.pass_(MINUTE)
    assert await here.answers() == ["failed"]


async def test_a_schedule_stops_when_its_key_is_revoked_and_says_so(
    opened: AsyncExitStack,
) -> None:
    keys, clock = MemoryKeyStore(), Clock()
    issued = await create(keys, tenant="default", role="app", name="", expires_in_s=None)
    telemetry = Telemetry(RunMetrics(models={}, known_tool=bool))
    access = KeyCheck(keys, now=clock)
    here = await stage(
        opened, [Say("One.")], keys=keys, access=access, clock=clock, telemetry=telemetry
    )
    await here.keep(key=issued.key.id)
    await here.pass_(MINUTE)
    assert await here.answers() == ["completed"]
    await keys.revoke(issued.key.id, clock.now)
    await here.pass_(MINUTE)
    stopped = await here.get()
    assert (stopped.state, stopped.next_at, stopped.fires) == ("stopped", None, 1)
    assert stopped.reason == f"the key {issued.key.id} was revoked"
    await here.pass_(MINUTE)
    assert len(await here.fires()) == 1
    text = (await telemetry.exposition() or b"").decode()
    for outcome in ("started", "stopped"):
        assert f'gateway_schedule_fires_total{{outcome="{outcome}"}} 1.0' in text
    assert "gateway_schedule_late_seconds_count 1.0" in text
    said = ""
    while "stop_schedule" not in said:  # entries are written behind what they tell of
        await asyncio.sleep(0)
        said = "".join(each.text for each in await here.services.audit.store.page(0))
    assert '"fire_schedule"' in said


async def test_a_schedule_goes_on_under_the_key_that_its_own_was_rotated_into(
    opened: AsyncExitStack,
) -> None:
    keys, clock = MemoryKeyStore(), Clock()
    issued = await create(keys, tenant="default", role="app", name="", expires_in_s=None)
    await rotate(keys, issued.key.id, grace_s=0.0)
    later = Clock(10e9)  # of the keys: the old one's grace is over
    access = KeyCheck(keys, now=later)
    here = await stage(opened, [Say("One.")], keys=keys, access=access, clock=clock)
    await here.keep(key=issued.key.id)
    await here.pass_(MINUTE)
    assert await here.answers() == ["completed"]


async def test_a_schedule_without_a_key_stops_once_keys_are_asked_for(
    opened: AsyncExitStack,
) -> None:
    here = await stage(opened, [], access=KeyCheck(MemoryKeyStore()))
    await here.keep()
    await here.pass_(MINUTE)
    assert "without a key" in (await here.get()).reason


async def test_one_that_breaks_does_not_stand_before_the_others(opened: AsyncExitStack) -> None:
    here = await stage(opened, [Say("One.")])
    await here.keep()
    broken = await here.get()
    plan = {**broken.plan, "when": {"cron": "not any more"}}
    await here.services.schedules.delete("default", broken.id)
    await here.services.schedules.add(replace(broken, plan=plan), 99)
    name = await here.keep()
    await here.pass_(MINUTE)
    assert len(await here.fires(name)) == 1
    assert (await here.get()).look_at == 1060.0 + HOLD_S
