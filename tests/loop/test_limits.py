"""One deadline, one budget, one number of steps; and what stops when nobody listens any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import CallAccepted, TextDelta, TurnFinished
from gateway.agent.loop import AgentLoop
from gateway.agent.run import Limits, RunRequest
from routing.backend import Completion, TokenCount, TokenLogprob, Turn, Usage
from routing.backends.scripted import Call, Say
from routing.errors import BackendTimeout
from routing.router import Member, Router
from tools.spec import Failure, ToolSpec, ValidCall

ASK = RunRequest(messages=(UserMessage(content="Go."),))


async def test_a_model_that_hangs_is_cut_at_the_deadline_with_what_it_said(stage: Any) -> None:
    never = asyncio.Event()
    hangs = Say("Some text, then", pauses={1: never}, piece=9)
    clock = asyncio.get_running_loop().time
    began = clock()
    played = await stage.play([hangs], limits=Limits(deadline_s=0.2))
    assert clock() - began < 0.2 + 0.05
    assert played.text.startswith("Some text")
    assert played.outcome.incomplete.reason == "stream_cut"


async def test_a_turn_that_the_budget_cannot_pay_is_not_asked_for(stage: Any) -> None:
    played = await stage.play([], limits=Limits(max_cost_usd=0.000_000_1))
    assert stage.intermediary.turns == []
    assert played.outcome.cost_usd == 0
    assert played.outcome.incomplete.reason == "max_cost"
    assert "cost limit" in played.text


async def test_the_cost_is_the_sum_of_the_turns_at_the_models_price(stage: Any) -> None:
    turns = [
        Say(calls=(Call("add", {"a": 1, "b": 2}),), usage=Usage(1_000_000, 0)),
        Say("3", usage=Usage(0, 1_000_000)),
    ]
    played = await stage.play(turns)
    assert played.outcome.cost_usd == 0.2
    assert played.outcome.usage == Usage(1_000_000, 1_000_000)


async def test_the_answers_length_limit_is_told_and_not_apologised_for(stage: Any) -> None:
    played = await stage.play([Say("Once upon a", finish_reason="length")])
    assert played.outcome.stop == "length"
    assert played.text == "Once upon a"
    assert played.outcome.incomplete.reason == "max_output_tokens"


async def test_closing_the_run_stops_the_model_in_mid_sentence(stage: Any) -> None:
    never = asyncio.Event()
    run = stage.loop([Say("one two three", piece=4, pauses={2: never})]).run(ASK)
    async for event in run:
        if isinstance(event, TextDelta):
            break
    await run.aclose()
    assert len(stage.intermediary.stopped) == 1


async def test_cancelling_the_run_cuts_pending_reads(stage: Any) -> None:
    begun, cut = asyncio.Event(), asyncio.Event()

    async def slow(call: ValidCall) -> None:
        del call
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    stage.tools.act["get_weather"] = slow
    loop = stage.loop([Call("get_weather", {"city": "Rome"})])

    async def read() -> None:
        async for _ in loop.run(ASK):
            pass

    async with asyncio.TaskGroup() as group:
        reader = group.create_task(read())
        await begun.wait()
        reader.cancel()
    assert cut.is_set()


async def test_cancelling_the_run_lets_a_begun_write_finish_and_shutdown_waits_for_it(
    stage: Any,
) -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(call: ValidCall) -> str:
        del call
        begun.set()
        await may_end.wait()
        ended.set()
        return "booked"

    stage.tools.act["book"] = slow
    loop = stage.loop([Call("book", {"city": "Rome"})])

    async def read() -> None:
        async for _ in loop.run(ASK):
            pass

    async with asyncio.TaskGroup() as group:
        reader = group.create_task(read())
        await begun.wait()
        reader.cancel()
    assert not ended.is_set()
    may_end.set()
    await loop.aclose()
    assert ended.is_set()


async def test_a_write_that_outlives_the_deadline_is_reported_as_unknown_and_not_repeated(
    stage: Any,
) -> None:
    may_end = asyncio.Event()

    async def slow(call: ValidCall) -> str:
        del call
        await may_end.wait()
        return "booked"

    stage.tools.act["book"] = slow
    played = await stage.play(
        [Call("book", {"city": "Rome"}), "Not sure."], limits=Limits(deadline_s=0.3)
    )
    assert played.results[0].failure is Failure.UNKNOWN_OUTCOME
    assert stage.tools.log == [("book", {"city": "Rome"})]
    may_end.set()


async def test_a_write_whose_turn_comes_after_the_deadline_is_not_begun(stage: Any) -> None:
    may_end = asyncio.Event()

    async def slow(call: ValidCall) -> None:
        del call
        await may_end.wait()

    stage.tools.act["get_weather"] = slow
    calls = [Call("get_weather", {"city": "Rome"}), Call("book", {"city": "Rome"})]
    played = await stage.play([calls, "No."], limits=Limits(deadline_s=0.3))
    assert [result.failure for result in played.results] == [Failure.TIMEOUT, Failure.TIMEOUT]
    assert stage.tools.log == [("get_weather", {"city": "Rome"})]


async def test_with_one_step_the_model_must_answer_at_once_but_may_call_the_apps_tools(
    stage: Any,
) -> None:
    await stage.play(["Hi."], limits=Limits(max_steps=1))
    assert stage.intermediary.turns[0].tool_choice == "none"
    mine = ToolSpec("pick", "", {"type": "object"})
    played = await stage.play([Call("pick")], client_tools=(mine,), limits=Limits(max_steps=1))
    assert played.of(CallAccepted)[0].client


class Deaf:
    """A backend that knows no deadline and never answers."""

    name = model = "deaf"
    context_tokens = 0

    async def stream(self, turn: Turn) -> AsyncGenerator[TextDelta | Completion, None]:
        del turn
        await asyncio.Event().wait()
        yield TextDelta("never")

    async def count_tokens(self, turn: Turn) -> TokenCount:
        return TokenCount(0, (0,) * len(turn.messages))

    async def ready(self) -> bool:
        return True

    async def aclose(self) -> None: ...


async def test_a_backend_that_ignores_the_deadline_is_cut_by_the_loop(stage: Any) -> None:
    loop = AgentLoop(Router(Member(Deaf())), stage.registry)
    request = RunRequest(messages=ASK.messages, limits=Limits(deadline_s=0.05))
    async with asyncio.timeout(5):
        with pytest.raises(BackendTimeout):
            _ = [event async for event in loop.run(request)]


async def test_with_the_apps_tools_offered_the_steps_end_all_the_same(stage: Any) -> None:
    mine = ToolSpec("pick", "", {"type": "object"})
    calls = [Call("add", {"a": n, "b": 1}) for n in range(9)]
    played = await stage.play(
        calls, client_tools=(mine,), tool_globs=("*",), limits=Limits(max_steps=2)
    )
    assert len(stage.tools.log) == 2
    assert played.outcome.incomplete.reason == "max_steps"
    assert played.text.startswith("I stopped after the allowed number of steps")


async def test_calls_beyond_the_most_that_are_allowed_are_refused_with_a_word_that_says_so(
    stage: Any,
) -> None:
    cities = [Call("get_weather", {"city": city}) for city in ("Lyon", "Paris", "Nice")]
    limits = Limits(max_tool_calls=2)
    run = await stage.play([cities, "Clear in two of them."], limits=limits)
    assert [name for name, _ in stage.tools.log] == ["get_weather", "get_weather"]
    assert len(run.refused) == 1
    assert "used up" in run.results[0].content
    assert stage.intermediary.turns[1].tool_choice == "none"
    assert (run.outcome.stop, run.outcome.incomplete) == ("answer", None)


async def test_a_model_that_still_calls_when_its_calls_are_used_up_ends_incomplete(
    stage: Any,
) -> None:
    call = Call("get_weather", {"city": "Lyon"})
    run = await stage.play([call, call], limits=Limits(max_tool_calls=1))
    assert len(stage.tools.log) == 1
    assert run.outcome.incomplete is not None
    assert run.outcome.incomplete.reason == "max_tool_calls"


async def test_the_apps_own_calls_are_not_counted(stage: Any) -> None:
    mine = ToolSpec("mine", "The app's.", {"type": "object", "properties": {}})
    run = await stage.play(
        [
            Call("get_weather", {"city": "Lyon"}),
            [Call("get_weather", {"city": "Nice"}), Call("mine")],
        ],
        client_tools=(mine,),
        tool_globs=("*",),
        limits=Limits(max_tool_calls=1),
    )
    assert len(stage.tools.log) == 1
    assert [call.name for call in run.outcome.client_calls] == ["mine"]


async def test_log_probabilities_come_with_the_turn_where_the_request_asks(stage: Any) -> None:
    said = Say("Hi", logprobs=(TokenLogprob("Hi", -0.25),))
    asked = await stage.play([said], logprobs=True, top_logprobs=3)
    [turn] = asked.of(TurnFinished)
    assert turn.logprobs == said.logprobs
    assert stage.intermediary.turns[0].top_logprobs == 3
    [turn] = (await stage.play([said])).of(TurnFinished)
    assert turn.logprobs == ()
