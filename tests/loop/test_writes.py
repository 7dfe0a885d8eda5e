"""A write happens once: journalled before, receipted after, settled by a read-back or by nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest

from gateway.agent import read_back
from gateway.agent.turns import Turns, resource_of
from gateway.agent.writes import Writes
from gateway.storage.errors import StorageUnavailable
from gateway.storage.ledger import (
    SILENT,
    WITHDRAWN,
    Begun,
    Busy,
    Intent,
    Place,
    Receipt,
    Standing,
)
from gateway.storage.memory_ledger import MemoryLedger
from tests.stage import spec
from tools.errors import ToolFailed, ToolTimeout
from tools.executor import CallContext
from tools.registry import Registry
from tools.spec import Failure, ReadBack, ToolSpec, ValidCall

TO = {"to": {"type": "string"}}
FIND = spec("find", {"key": {"type": "string"}}, read_only=True)
PAY = replace(spec("pay", TO), read_back=ReadBack("find", {"key": "$key"}, after_s=0.0))
SEND = spec("send", TO)


class Upstream:
    """`fail` is raised after a write took effect; `found`, or what `looked` gives, is what the read-back sees."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.fail: Exception | None = None
        self.found: Any = None
        self.looked: Callable[[], Any] | None = None
        self.hold: asyncio.Event | None = None
        self.begun = asyncio.Event()
        self.busy = 0
        self.most_busy = 0

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        if call.name == "find":
            found = self.found if self.looked is None else self.looked()
            if isinstance(found, Exception):
                raise found
            return found
        self.busy += 1
        self.begun.set()
        self.most_busy = max(self.busy, self.most_busy)
        if self.hold is not None:
            await self.hold.wait()
        self.busy -= 1
        self.done.append((call.arguments["to"], context.idempotency_key))
        if self.fail is not None:
            raise self.fail
        return {"paid": call.arguments["to"]}


class Desk:
    """Writes over an upstream, as a run would make them."""

    def __init__(self, *tools: ToolSpec) -> None:
        self.upstream, self.registry = Upstream(), Registry()
        for tool in tools or (FIND, PAY, SEND):
            self.registry.register(tool, self.upstream)
        self.ledger = MemoryLedger()
        self.writes = Writes(self.ledger, self.registry.snapshot)

    async def call(self, name: str, call_id: str = "a", to: str = "Ann", step: int = 1) -> Any:
        call = ValidCall(call_id, self.registry.get(name), {"to": to})
        context = CallContext("run_1", "t", f"run_1:{step}:{call_id}", None, step)
        return await self.writes.run(call, self.registry.snapshot(), context)

    async def states(self) -> list[str]:
        return [entry.state for entry in await self.ledger.of_run("t", "run_1")]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_the_intent_is_there_before_the_effect_and_the_receipt_after(desk: Desk) -> None:
    desk.upstream.hold = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(desk.call("pay"))
        await desk.upstream.begun.wait()
        assert await desk.states() == ["begun"]
        desk.upstream.hold.set()
    assert json.loads(waiting.result().content) == {"paid": "Ann"}
    [entry] = await desk.ledger.of_run("t", "run_1")
    assert (entry.state, entry.intent.key) == ("done", "run_1:1:a")
    assert desk.upstream.done == [("Ann", "run_1:1:a")]


async def test_nothing_is_done_when_the_intent_cannot_be_written(desk: Desk) -> None:
    class Closed(MemoryLedger):
        async def begin(self, intent: Intent) -> Begun | Standing:
            raise StorageUnavailable("disk full")

    desk.writes = Writes(Closed())
    result = await desk.call("pay")
    assert result.failure is Failure.UNAVAILABLE
    assert "Not begun" in result.content
    assert desk.upstream.done == []


class Mute(MemoryLedger):
    """Writes intents down and does not answer, nor to what comes then for so many `more` questions."""

    def __init__(self, more: int) -> None:
        super().__init__()
        self.more = more

    async def begin(self, intent: Intent) -> Begun | Standing | Busy:
        way = await super().begin(intent)
        if self.more >= 0:
            raise StorageUnavailable("gone in the middle")
        return way

    async def withdraw(self, place: Place) -> None:
        self.more -= 1
        if self.more >= 0:
            raise StorageUnavailable("still gone")
        await self.close(place, WITHDRAWN)


async def test_an_intent_of_which_nobody_knows_whether_it_stands_is_withdrawn_and_made_anew(
    desk: Desk,
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    desk.ledger = Mute(3)
    desk.writes = Writes(desk.ledger, desk.registry.snapshot, sleep=pause)
    first = await desk.call("send")
    assert (first.failure, "Not begun" in first.content) == (Failure.UNAVAILABLE, True)
    assert (await desk.call("send", "b", step=2)).failure is None  # waits for the withdrawal
    assert (pauses, await desk.states()) == ([0.5, 1.0, 2.0], ["not_done", "done"])
    assert desk.upstream.done == [("Ann", "run_1:1:a")]


async def test_a_durable_run_comes_back_to_the_same_call_when_its_intent_is_withdrawn(
    desk: Desk,
) -> None:
    desk.ledger = Mute(0)
    desk.writes = Writes(desk.ledger, desk.registry.snapshot)
    call = ValidCall("a", desk.registry.get("send"), {"to": "Ann"})
    context = CallContext("run_1", "t", "run_1:1:a", None, 1)
    with pytest.raises(StorageUnavailable):
        await desk.writes.run(call, desk.registry.snapshot(), context, durable=True)
    again = await desk.writes.run(call, desk.registry.snapshot(), context, durable=True)
    assert (again.failure, len(desk.upstream.done), await desk.states()) == (None, 1, ["done"])


async def test_the_same_call_resumed_gets_its_receipt_and_no_second_effect(desk: Desk) -> None:
    first, again = await desk.call("send"), await desk.call("send")
    assert first.content == again.content
    assert len(desk.upstream.done) == 1


async def test_a_call_that_the_tool_refused_may_be_tried_again(desk: Desk) -> None:
    desk.upstream.fail = ToolFailed("no money")
    assert (await desk.call("send")).failure is Failure.TOOL
    assert await desk.states() == ["failed"]
    desk.upstream.fail = None
    assert (await desk.call("send", "b", step=2)).failure is None


async def test_an_unknown_outcome_stands_in_the_way_of_the_same_call(desk: Desk) -> None:
    desk.upstream.fail = ToolTimeout("silence")
    assert (await desk.call("send")).failure is Failure.UNKNOWN_OUTCOME
    desk.upstream.fail = None
    again = await desk.call("send", "b", step=2)
    assert again.failure is Failure.UNKNOWN_OUTCOME
    assert "A person has been asked" in again.content
    assert len(desk.upstream.done) == 1
    assert (await desk.call("send", "c", to="Bob", step=2)).failure is None


async def test_a_read_back_that_finds_the_effect_settles_it_at_once(desk: Desk) -> None:
    desk.upstream.fail, desk.upstream.found = ToolTimeout("silence"), {"id": 7}
    result = await desk.call("pay")
    assert result.failure is None
    assert json.loads(result.content)["found"] == {"id": 7}
    assert await desk.states() == ["done"]


@pytest.mark.parametrize("found", [None, [], {}, False, "", ToolFailed("HTTP 404: no such key")])
async def test_a_read_back_that_finds_nothing_lets_the_call_be_made_again_with_its_key(
    desk: Desk, found: Any
) -> None:
    desk.upstream.fail, desk.upstream.found = ToolTimeout("silence"), found
    assert (await desk.call("pay")).failure is Failure.TOOL
    assert await desk.states() == ["not_done"]
    desk.upstream.fail = None
    assert (await desk.call("pay", "b", step=2)).failure is None
    assert [key for _, key in desk.upstream.done] == ["run_1:1:a", "run_1:1:a"]


@pytest.mark.parametrize("found", [ToolFailed("HTTP 403: no"), ToolTimeout("silence")])
async def test_a_read_back_that_fails_says_nothing(desk: Desk, found: Exception) -> None:
    desk.upstream.fail, desk.upstream.found = ToolTimeout("silence"), found
    assert (await desk.call("pay")).failure is Failure.UNKNOWN_OUTCOME
    assert (await desk.call("pay", "b", step=2)).failure is Failure.UNKNOWN_OUTCOME
    assert await desk.states() == ["unknown"]
    assert len(desk.upstream.done) == 1


async def test_a_read_back_that_may_write_or_remembers_is_never_asked() -> None:
    for bad in (spec("find", {"key": {"type": "string"}}), replace(FIND, cache_s=9.0)):
        desk = Desk(bad, PAY)
        desk.upstream.fail, desk.upstream.found = ToolTimeout("silence"), True
        assert (await desk.call("pay")).failure is Failure.UNKNOWN_OUTCOME


async def test_what_was_sent_by_a_gateway_that_is_only_silent_may_still_arrive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(read_back, "UNHEARD_S", 0.1)
    desk = Desk(FIND, replace(PAY, timeout_s=0.1))
    await desk.ledger.begin(Intent(Place("t", "run_1", "1.a"), "pay", {"to": "Ann"}, "run_1:1:a"))
    left = Receipt("unknown", "", note=SILENT)
    assert await desk.ledger.close(Place("t", "run_1", "1.a"), left) is not None
    found: list[Any] = [None, {"id": 7}]
    desk.upstream.looked = lambda: found.pop(0)
    result = await desk.call("pay")
    assert json.loads(result.content)["found"] == {"id": 7}
    assert (desk.upstream.done, await desk.states()) == ([], ["done"])


async def test_a_persons_word_is_what_the_model_reads(desk: Desk) -> None:
    desk.upstream.fail = ToolTimeout("silence")
    await desk.call("send")
    said = Receipt("done", "person", note="seen on the statement")
    await desk.ledger.close(Place("t", "run_1", "1.a"), said, ("unknown",))
    again = await desk.call("send")
    assert again.failure is None
    assert json.loads(again.content)["note"] == "seen on the statement"


async def test_writes_of_one_resource_take_turns_and_others_do_not() -> None:
    account = replace(SEND, resource="account {to}")
    desk = Desk(account, replace(account, name="credit"))
    desk.upstream.hold = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(desk.call("send", "a"))
        group.create_task(desk.call("credit", "b"))
        group.create_task(desk.call("send", "c", to="Bob"))
        for _ in range(50):
            await asyncio.sleep(0)
        assert desk.upstream.busy == 2
        desk.upstream.hold.set()
    assert desk.upstream.most_busy == 2
    assert len(desk.upstream.done) == 3


@pytest.mark.parametrize("by", ["read_back", "person"])
async def test_what_was_found_done_behind_the_models_back_is_not_done_again(
    desk: Desk, by: Literal["read_back", "person"]
) -> None:
    desk.upstream.fail = ToolTimeout("no answer")
    assert (await desk.call("send")).failure is Failure.UNKNOWN_OUTCOME
    desk.upstream.fail = None
    assert await desk.ledger.close(Place("t", "run_1", "1.a"), Receipt("done", by)) is not None
    again = await desk.call("send", call_id="b", step=2)
    assert json.loads(again.content)["status"] == "done"
    assert len(desk.upstream.done) == 1


ACCOUNT = replace(spec("transfer", {**TO, "memo": {"type": "string"}}), resource="account {to}")


async def test_who_waits_for_a_resource_beyond_the_deadline_has_done_nothing(desk: Desk) -> None:
    desk.upstream.hold = asyncio.Event()
    clock = asyncio.get_running_loop().time
    async with asyncio.TaskGroup() as group:
        first = group.create_task(desk.call("send"))
        await desk.upstream.begun.wait()
        late = CallContext("run_2", "t", "run_2:1:b", clock() + 0.02, 1)
        call = ValidCall("b", desk.registry.get("send"), {"to": "Ann"})
        waited = await desk.writes.run(call, desk.registry.snapshot(), late)
        desk.upstream.hold.set()
    assert first.result().failure is None
    assert (waited.failure, "Not begun" in waited.content) == (Failure.TIMEOUT, True)
    assert len(desk.upstream.done) == 1
    assert await desk.ledger.of_run("t", "run_2") == []


async def test_who_leaves_while_waiting_for_a_resource_has_done_nothing(desk: Desk) -> None:
    desk.upstream.hold = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(desk.call("send"))
        await desk.upstream.begun.wait()
        gone = group.create_task(desk.call("send", "b", step=2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        desk.upstream.hold.set()
    await desk.writes.drain(5.0)
    assert len(desk.upstream.done) == 1


class HeldElsewhere(MemoryLedger):
    """Another gateway holds every resource for the first `looks` questions."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks
        self.asked: list[str] = []

    async def begin(self, intent: Intent) -> Begun | Standing | Busy:
        self.asked.append(intent.resource)
        return Busy() if len(self.asked) <= self.looks else await super().begin(intent)


async def test_a_resource_that_another_gateway_holds_is_waited_for() -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    desk, ledger = Desk(ACCOUNT), HeldElsewhere(7)
    desk.writes = Writes(ledger, desk.registry.snapshot, sleep=pause)
    assert (await desk.call("transfer")).failure is None
    assert pauses == [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5]
    assert ledger.asked == ["account Ann"] * 8


async def test_nothing_is_done_where_another_gateway_holds_the_resource_too_long() -> None:
    desk = Desk(ACCOUNT)
    desk.writes = Writes(HeldElsewhere(10_000), desk.registry.snapshot)
    call = ValidCall("a", ACCOUNT, {"to": "Ann"})
    deadline = asyncio.get_running_loop().time() + 0.05
    context = CallContext("run_1", "t", "run_1:1:a", deadline, 1)
    result = await desk.writes.run(call, desk.registry.snapshot(), context)
    assert (result.failure, "Not begun" in result.content) == (Failure.TIMEOUT, True)
    await desk.writes.drain(5.0)
    assert desk.upstream.done == []


async def test_queues_of_resources_are_gone_when_nobody_waits() -> None:
    turns = Turns()
    calls = [ValidCall("a", ACCOUNT, {"to": str(at % 7)}) for at in range(50)]

    async def write(call: ValidCall) -> None:
        turn = await turns.take(call, "t", None)
        await asyncio.sleep(0)
        turns.release("t", turn)

    late = asyncio.get_running_loop().time()
    taken = await turns.take(calls[0], "t", None)
    with pytest.raises(TimeoutError):
        await turns.take(calls[0], "t", late)
    turns.release("t", taken)
    await asyncio.gather(*map(write, calls))
    assert len(turns) == 0


def test_an_argument_that_looks_like_a_placeholder_names_no_other_argument() -> None:
    call = ValidCall("a", ACCOUNT, {"to": "{memo}", "memo": "rent"})
    assert resource_of(call) == "account {memo}"


def test_the_same_arguments_in_another_order_are_the_same_resource() -> None:
    calls = [ValidCall("a", SEND, {"a": 1, "b": 2}), ValidCall("b", SEND, {"b": 2, "a": 1})]
    assert len({resource_of(call) for call in calls}) == 1
