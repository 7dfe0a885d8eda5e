"""Two tiers as one backend: what can wait leaves a full one, all the rest stays where it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import repeat

import pytest
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    ToolMessage,
    UserMessage,
)

from routing.backend import Completion, Turn
from routing.backends.scripted import Call, Item, Say, ScriptedBackend
from routing.errors import BackendProtocolError, BackendUnavailable
from routing.gauge import Gauge
from routing.priority import Priority
from routing.switch import Thresholds
from routing.tiers import Tier, Tiered


class Stage:
    """Two scripted tiers, a clock, and the KV cache that the first one's engine tells."""

    def __init__(
        self,
        gpu: Sequence[Item] = (),
        cpu: Sequence[Item] = (),
        *,
        turns: int | None = None,
        overflow_turns: int | None = None,
        dwell_s: float = 10,
    ) -> None:
        self.now, self.share = 0.0, 0.0
        self.gpu = ScriptedBackend([*gpu, *repeat("Hi.", 50)], "gpu")
        self.cpu = ScriptedBackend([*cpu, *repeat("Hi.", 50)], "cpu")
        self.gauge = Gauge("gpu", self._metrics, clock=lambda: self.now)
        first = Tier("gpu", self.gpu, turns, gauges=[self.gauge])
        overflow = Tier("cpu", self.cpu, overflow_turns, most_waiting=0)
        self.tiered = Tiered(first, overflow, Thresholds(dwell_s=dwell_s), lambda: self.now)

    async def _metrics(self, within_s: float) -> str:
        del within_s
        return f"vllm:num_requests_running 1\nvllm:kv_cache_usage_perc {self.share}\n"

    async def load(self, share: float, later_s: float = 0) -> None:
        self.now += later_s
        self.share = share
        await self.gauge.look(1)

    async def ask(self, priority: Priority, *messages: ChatMessage) -> Completion:
        turn = Turn(messages or [UserMessage(content="Go.")], priority=priority)
        *_, last = [item async for item in self.tiered.stream(turn)]
        assert isinstance(last, Completion)
        return last

    async def served(self, priority: Priority, *messages: ChatMessage) -> tuple[str, str]:
        served = (await self.ask(priority, *messages)).served
        assert served is not None
        return served.tier, served.why


async def test_while_the_first_tier_has_room_it_answers_everything() -> None:
    stage = Stage()
    await stage.load(0.5)
    assert await stage.served("low") == ("gpu", "room")
    assert await stage.served("normal") == ("gpu", "priority")


async def test_what_can_wait_leaves_a_full_tier_and_comes_back_below_the_lower_threshold() -> None:
    stage = Stage()
    await stage.load(0.85)
    assert await stage.served("low") == ("cpu", "full")
    assert await stage.served("normal") == ("gpu", "priority")
    assert await stage.served("high") == ("gpu", "priority")
    await stage.load(0.7, later_s=11)
    assert await stage.served("low") == ("cpu", "full")
    await stage.load(0.5, later_s=1)
    assert await stage.served("low") == ("gpu", "room")


async def test_within_the_dwell_nothing_changes() -> None:
    stage = Stage()
    await stage.load(0.85)
    assert await stage.served("low") == ("cpu", "full")
    await stage.load(0.1, later_s=9)
    assert await stage.served("low") == ("cpu", "full")
    await stage.load(0.1, later_s=2)
    assert await stage.served("low") == ("gpu", "room")


async def test_a_stale_reading_is_not_trusted() -> None:
    stage = Stage()
    await stage.load(0.95)
    stage.now += 5.1
    assert await stage.served("low") == ("gpu", "room")


async def test_our_own_turns_fill_a_tier_whose_engine_tells_nothing() -> None:
    goes_on = asyncio.Event()
    stage = Stage([Say("Hi.", pauses={0: goes_on})] * 4, turns=5)
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(stage.ask("normal"))
        await stage.gpu.asked(4)
        assert await stage.served("low") == ("cpu", "full")
        assert stage.tiered.look()[0].running == 4
        goes_on.set()


def results(*ids: str) -> list[ChatMessage]:
    return [
        UserMessage(content="Go."),
        *(ToolMessage(content="1", tool_call_id=each, name="f") for each in ids),
    ]


async def test_a_tool_loop_stays_where_it_began_whatever_the_load() -> None:
    stage = Stage(gpu=[Call("f", {}, "gpucall01")], cpu=[Call("f", {}, "cpucall01")], dwell_s=0)
    assert (await stage.ask("low")).calls
    await stage.load(0.9, later_s=1)
    assert await stage.served("low", *results("gpucall01")) == ("gpu", "loop")
    assert await stage.served("low") == ("cpu", "full")
    await stage.load(0.1, later_s=1)
    assert await stage.served("low", *results("cpucall01")) == ("cpu", "loop")
    assert await stage.served("low", *results("cpucall01", "unknown01")) == ("cpu", "loop")
    asked_anew = [*results("cpucall01"), AssistantMessage(content="1"), UserMessage(content="And?")]
    assert await stage.served("low", *asked_anew) == ("gpu", "room")
    assert await stage.served("high", *results("cpucall01")) == ("gpu", "priority")


async def test_when_the_other_tier_is_full_too_what_can_wait_waits_in_the_first() -> None:
    goes_on = asyncio.Event()
    stage = Stage(cpu=[Say("Hi.", pauses={0: goes_on})], overflow_turns=1)
    await stage.load(0.9)
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.ask("low"))
        await stage.cpu.asked(1)
        assert await stage.served("low") == ("gpu", "overflow_full")
        goes_on.set()


async def test_high_priority_does_not_wait_behind_low() -> None:
    goes_on = asyncio.Event()
    stage = Stage([Say("Hi.", pauses={0: goes_on})], turns=1, overflow_turns=0)
    order = list[str]()

    async def ask(name: str, priority: Priority) -> None:
        await stage.ask(priority)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(ask("running", "low"))
        await stage.gpu.asked(1)
        for n in range(3):
            group.create_task(ask(f"low {n}", "low"))
            await asyncio.sleep(0)
        group.create_task(ask("high", "high"))
        await asyncio.sleep(0)
        assert stage.tiered.look()[0].waiting == 4
        goes_on.set()
    assert order[:2] == ["running", "high"]


@pytest.mark.parametrize("priority", ["high", "low"])
async def test_where_a_tier_can_not_be_reached_the_other_answers(priority: Priority) -> None:
    stage = Stage(gpu=[BackendUnavailable("refused")])
    assert await stage.served(priority) == ("cpu", "unavailable")
    stage = Stage(cpu=[BackendUnavailable("refused")])
    await stage.load(0.9)
    assert await stage.served("low") == ("gpu", "unavailable")


async def test_where_no_tier_answers_the_failure_is_told() -> None:
    stage = Stage([BackendUnavailable("one")], [BackendUnavailable("two")])
    with pytest.raises(BackendUnavailable, match="two"):
        await stage.ask("normal")


@pytest.mark.parametrize(
    "item", [Say("Hello there.", breaks=BackendUnavailable("500")), BackendProtocolError("cut")]
)
async def test_what_may_have_been_answered_is_not_asked_again(item: Item) -> None:
    stage = Stage([item])
    with pytest.raises((BackendUnavailable, BackendProtocolError)):
        await stage.ask("normal")
    assert not stage.cpu.turns


async def test_a_reader_that_leaves_frees_its_place() -> None:
    stage = Stage(["Hello there, this is long."], turns=1)
    stream = stage.tiered.stream(Turn([UserMessage(content="Go.")]))
    await anext(stream)
    assert stage.tiered.look()[0].running == 1
    await stream.aclose()
    assert stage.tiered.look()[0].running == 0
    assert len(stage.gpu.stopped) == 1


async def test_the_tiers_are_ready_while_one_is_and_have_what_both_have() -> None:
    stage = Stage()
    stage.gpu.is_ready, stage.cpu.context_tokens = False, 1000
    assert await stage.tiered.ready()
    assert (stage.tiered.name, stage.tiered.context_tokens) == ("gpu", 1000)
    await stage.tiered.aclose()
    assert stage.gpu.closed
    assert stage.cpu.closed
