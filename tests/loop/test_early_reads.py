"""Reads begin while the model still speaks, and nothing else of a run changes by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.agent import verdict
from gateway.agent.events import Observation, RunEvent, TurnFinished
from gateway.agent.loop import AgentLoop
from gateway.agent.run import RunRequest
from policies.decision import ALLOW, Decision, Deny, RequireApproval
from policies.policy import Policy, Subject
from routing.backend import Completion, StreamItem, Turn
from routing.backends.scripted import Call, Item, Say, ScriptedBackend
from routing.errors import BackendProtocolError, BackendUnavailable
from routing.escalation import BackendDown, Evidence, OwnWish, Reason, StrategyFunction
from routing.escalation_calls import LowMargin, Ungrounded
from routing.escalation_text import default
from routing.router import Member, Router
from tests.loop.conftest import Played, Stage
from tests.stage import spec
from tools.spec import ValidCall

LYON, PARIS = Call("get_weather", {"city": "Lyon"}), Call("get_weather", {"city": "Paris"})
BOOK = Call("book", {"city": "Lyon"})
BROKEN = Call("get_weather", '{"city": "Ly')
WRONG = Call("get_weather", {"town": "Lyon"})


class Begun:
    """Waits until a tool was begun, and shows what was cut."""

    def __init__(self, stage: Stage, name: str = "get_weather") -> None:
        self.begun, self.cut, self.go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._answer = {"sky": "clear"}
        stage.tools.act[name] = self._act

    async def _act(self, call: ValidCall) -> Any:
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cut.set()
            raise
        return self._answer


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(5.0):
        await event.wait()


async def nothing_more() -> None:
    """Everything that could go on without an event has gone on."""
    for _ in range(50):
        await asyncio.sleep(0)


async def ended(loop: AgentLoop, **request: Any) -> Played:
    asked = RunRequest(messages=(UserMessage(content="Go."),), **request)
    return Played([event async for event in loop.run(asked)])


async def test_a_read_is_begun_while_later_calls_are_still_being_written(stage: Stage) -> None:
    tool, hold = Begun(stage), asyncio.Event()
    loop = stage.loop([Say(calls=[LYON, PARIS], holds={1: hold}), "Fine."])
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(ended(loop))
        await soon(tool.begun)
        assert [name for name, _ in stage.tools.log] == ["get_weather"]
        tool.go_on.set()
        hold.set()
    played = playing.result()
    assert [result.content for result in played.results] == ['{"sky":"clear"}'] * 2
    assert len(stage.tools.log) == 2, "none is run twice"


async def test_nothing_is_said_of_a_read_before_its_turn_is_judged(stage: Stage) -> None:
    tool, hold = Begun(stage), asyncio.Event()
    loop = stage.loop([Say(calls=[LYON, PARIS], holds={1: hold}), "Fine."])
    seen: list[str] = []

    async def watched() -> None:
        async for event in loop.run(RunRequest(messages=(UserMessage(content="Go."),))):
            seen.append(type(event).__name__)  # noqa: PERF401  # one by one: what is seen when

    async with asyncio.TaskGroup() as group:
        group.create_task(watched())
        await soon(tool.begun)
        tool.go_on.set()
        await nothing_more()
        assert seen == ["RunStarted", "TurnStarted"]
        hold.set()


@pytest.mark.parametrize(
    ("calls", "log"),
    [
        ([BOOK, LYON], []),
        ([LYON, BOOK, PARIS], ["get_weather"]),
        ([Call("wipe"), LYON], []),
        ([Call("no_such_tool"), LYON], ["get_weather"]),
        ([WRONG, LYON], ["get_weather"]),
        ([LYON, LYON, PARIS], ["get_weather", "get_weather"]),
        ([Call("escalate", {"reason": "?"}), LYON], []),
    ],
    ids=lambda each: "-".join(getattr(one, "name", "") for one in each) if each else None,
)
async def test_what_is_begun_early_are_reads_before_the_first_write(
    stage: Stage, calls: list[Call], log: list[str]
) -> None:
    hold = asyncio.Event()
    loop = stage.loop([Say(calls=calls, pauses={0: hold}), "Fine."])
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(ended(loop))
        await stage.intermediary.asked()
        await nothing_more()
        assert [name for name, _ in stage.tools.log] == log
        hold.set()
    assert playing.result().outcome.stop in {"answer", "incomplete"}


@pytest.mark.parametrize(
    "end",
    [
        Say(calls=[LYON, BROKEN], finish_reason="tool_calls"),
        Say(calls=[LYON, Call("escalate", {"reason": "?"})]),
        Say(calls=[LYON], finish_reason="length"),
        Say(calls=[LYON], breaks=BackendProtocolError("cut")),
        Say(calls=[LYON], breaks=BackendUnavailable("gone")),
    ],
    ids=["cut", "wish", "length", "protocol", "gone"],
)
async def test_what_a_turn_does_not_come_to_is_cut_and_read_by_nobody(
    stage: Stage, end: Say
) -> None:
    tool, hold = Begun(stage), asyncio.Event()
    loop = stage.loop([replace(end, pauses={0: hold}), "Fine."], expert=["Fine."])
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(ended(loop))
        await soon(tool.begun)
        hold.set()
    played = playing.result()
    assert tool.cut.is_set()
    assert all("clear" not in result.content for result in played.results)
    asked = [*stage.intermediary.turns, *stage.expert.turns][-1]
    assert all("clear" not in str(message.content) for message in asked.messages)


async def test_a_client_that_leaves_cuts_what_was_begun(stage: Stage) -> None:
    tool, hold = Begun(stage), asyncio.Event()
    loop = stage.loop([Say(calls=[LYON], pauses={0: hold}), "Fine."])
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(ended(loop))
        await soon(tool.begun)
        playing.cancel()
    assert tool.cut.is_set()


class Fickle(ScriptedBackend):
    """Says one call beforehand and another under the same id in the end."""

    async def stream(self, turn: Turn) -> AsyncGenerator[StreamItem, None]:
        async for item in super().stream(turn):
            if turn.tells_closed and isinstance(item, Completion) and item.calls:
                function = FunctionCall(name="get_weather", arguments='{"city": "Paris"}')
                yield replace(item, calls=(renamed(item.calls[0], function),))
            else:
                yield item


def renamed(call: ToolCall, function: FunctionCall) -> ToolCall:
    return call.model_copy(update={"function": function})


async def test_a_call_that_is_another_in_the_end_is_run_as_it_is_in_the_end(stage: Stage) -> None:
    loop = AgentLoop(Router(Member(Fickle([[LYON], "Fine."]))), stage.registry)
    played = await ended(loop)
    assert [result.content for result in played.results] == ['{"city":"Paris","sky":"clear"}']


class Asked(Policy):
    """Writes down which calls it was asked about."""

    name = "asked"

    def __init__(self, decision: Decision = ALLOW) -> None:
        self.calls: list[str] = []
        self._decision = decision

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        self.calls.append(f"{call.name} {call.arguments_json()}")
        return self._decision


async def test_policy_is_asked_once_for_each_call_and_in_their_order(stage: Stage) -> None:
    rule = Asked()
    await ended(stage.loop([[LYON, BOOK, PARIS], "Fine."], policies=rule))
    assert rule.calls == [
        'get_weather {"city":"Lyon"}',
        'book {"city":"Lyon"}',
        'get_weather {"city":"Paris"}',
    ]


@pytest.mark.parametrize("decision", [Deny("no", "asked"), RequireApproval("look", "asked")])
async def test_what_policy_denies_or_holds_is_not_begun(stage: Stage, decision: Decision) -> None:
    rule = Asked(decision)
    await ended(stage.loop([[LYON, PARIS], "Fine."], policies=rule))
    assert stage.tools.log == []
    assert len(rule.calls) == 2


async def test_no_more_reads_are_begun_than_the_request_allows(stage: Stage) -> None:
    hold = asyncio.Event()
    loop = stage.loop([Say(calls=[LYON, PARIS], pauses={0: hold}), "Fine."])
    async with asyncio.TaskGroup() as group:
        limits = RunRequest(()).limits
        group.create_task(ended(loop, limits=replace(limits, max_tool_calls=1)))
        await stage.intermediary.asked()
        await nothing_more()
        assert len(stage.tools.log) == 1
        hold.set()
    assert len(stage.tools.log) == 1


def reads_are_doubted(evidence: Evidence) -> Reason | None:
    return Reason("plain", "a function") if evidence.proposed else None


STRATEGIES: list[tuple[StrategyFunction, bool]] = [
    (default(), False),
    (OwnWish() | BackendDown(), False),
    (Ungrounded(), False),
    (LowMargin(effect="write"), False),
    (LowMargin(), True),
    (OwnWish() | LowMargin(), True),
    (OwnWish() & Ungrounded(effect="read"), True),
    (reads_are_doubted, True),
]


@pytest.mark.parametrize(("strategy", "doubts"), STRATEGIES, ids=[str(at) for at in range(8)])
async def test_where_a_read_may_be_doubted_none_is_begun_before_the_doubt_is_judged(
    stage: Stage, strategy: StrategyFunction, doubts: bool
) -> None:
    hold = asyncio.Event()
    script: list[Item] = [Say(calls=[LYON], pauses={0: hold}), "Fine."]
    loop = stage.loop(script, expert=["Fine."], strategy=strategy)
    async with asyncio.TaskGroup() as group:
        group.create_task(ended(loop))
        await stage.intermediary.asked()
        await nothing_more()
        assert bool(stage.tools.log) is not doubts
        hold.set()


async def test_where_nobody_may_be_asked_there_is_no_doubt_to_wait_for(stage: Stage) -> None:
    hold = asyncio.Event()
    script: list[Item] = [Say(calls=[LYON], pauses={0: hold}), "Fine."]
    loop = stage.loop(script, expert=["Fine."], strategy=reads_are_doubted)
    async with asyncio.TaskGroup() as group:
        group.create_task(ended(loop, escalation="never"))
        await stage.intermediary.asked()
        await nothing_more()
        assert len(stage.tools.log) == 1
        hold.set()


async def test_rules_that_count_cost_judge_a_call_when_its_turn_is_paid(stage: Stage) -> None:
    class Thrifty(Asked):
        counts_cost = True  # type: ignore[assignment]

        def on_call(self, subject: Subject, call: ValidCall) -> Decision:
            assert subject.cost_usd > 0
            return super().on_call(subject, call)

    rule = Thrifty()
    await ended(stage.loop([[LYON], "Fine."], policies=rule))
    assert len(rule.calls) == 1


async def test_the_gateways_own_tools_wait_for_the_turn(stage: Stage) -> None:
    many = [spec(f"lookup_{at}", {}, read_only=True) for at in range(70)]
    for each in many:
        stage.registry.register(each, stage.tools)
    hold = asyncio.Event()
    find = Call("find_tools", {"query": "lookup"})
    loop = stage.loop([Say(calls=[find], pauses={0: hold}), "Fine."])
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(ended(loop))
        await stage.intermediary.asked()
        await nothing_more()
        hold.set()
    assert "lookup" in playing.result().results[0].content
    first, second = stage.intermediary.turns
    assert len(second.tools) >= len(first.tools)


SCENES: list[Sequence[Item]] = [
    [[LYON, PARIS], "Fine."],
    [[LYON, BOOK, PARIS], "Fine."],
    [[WRONG, LYON], [PARIS], "Fine."],
    [[LYON, BROKEN], [LYON], "Fine."],
    [[LYON, LYON, Call("nothing"), PARIS], "Fine."],
    [Say(calls=[LYON, PARIS], finish_reason="length"), "Fine."],
    [Say("Let me see.", calls=[LYON]), "Fine."],
    [[Call("get_weather", {"city": "Atlantis"}), LYON], "Fine."],
    [[Call("get_weather", {"city": "Lyon"}, id="x"), PARIS], "Fine."],
    [Say(calls=[LYON], breaks=BackendProtocolError("cut")), [LYON], "Fine."],
    [[LYON], [LYON], [LYON], [LYON], "Fine."],
]


@pytest.mark.parametrize("scene", SCENES, ids=[str(at) for at in range(len(SCENES))])
@pytest.mark.parametrize("parallel", [True, False])
async def test_a_run_says_the_same_with_and_without(
    scene: Sequence[Item], parallel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def told(early: bool) -> tuple[list[RunEvent], list[Any]]:
        stage = Stage()
        monkeypatch.setattr(verdict, "new_call_id", lambda: "made00001")
        backend = ScriptedBackend(scene)
        loop = AgentLoop(Router(Member(backend)), stage.registry, early_reads=early)
        played = await ended(loop, parallel_tool_calls=parallel, run_id="run_1")
        assert early or not any(turn.tells_closed for turn in backend.turns)
        return [timeless(event) for event in played.events], [
            (turn.messages, turn.tools) for turn in backend.turns
        ]

    assert await told(early=True) == await told(early=False)


def timeless(event: RunEvent) -> RunEvent:
    """Without what no two runs have in common."""
    match event:
        case TurnFinished():
            return replace(event, elapsed_s=0.0, first_token_s=None)
        case Observation(result=result):
            return replace(event, result=replace(result, elapsed_s=0.0))
        case _:
            return event
