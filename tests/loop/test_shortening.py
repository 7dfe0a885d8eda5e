"""Conversations that don't fit: dropped from or summarised, and what is recorded of it.

The scripted models count four bytes a token in a window of 32,768, of which 1,024 are the answer's.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

from gateway.agent import trace
from gateway.agent.events import ContextShortened, RunEvent, TurnStarted
from gateway.agent.folding import fold
from gateway.agent.named_events import named
from gateway.agent.run import Limits, RunRequest
from gateway.context.options import ContextOptions
from gateway.context.summary import SUMMARY_HEAD
from routing.backend import Turn, Usage
from routing.backends.scripted import Call, Say
from routing.errors import BackendUnavailable, ContextTooLong

DROP, SUMMARISE = ContextOptions("drop"), ContextOptions("summarise")
LONG = "x" * 40_000  # 10,004 tokens as a message


def conversation(turns: int) -> list[ChatMessage]:
    messages: list[ChatMessage] = [SystemMessage(content="Be brief.")]
    for n in range(turns):
        messages += [UserMessage(content=f"{n}?{LONG}"), AssistantMessage(content=f"{n}.")]
    return [*messages, UserMessage(content="So?")]


def shown(turn: Turn) -> list[str]:
    return [str(message.content)[:2] for message in turn.messages]


def summaries(turns: list[Turn]) -> list[str]:
    return [str(t.messages[-1].content) for t in turns if "Summarise" in str(t.messages[0].content)]


async def test_the_oldest_turns_are_left_out_and_a_receipt_says_so(stage: Any) -> None:
    played = await stage.play(["Well."], messages=conversation(5), context=DROP)
    [turn] = stage.intermediary.turns
    assert shown(turn) == ["Be", "3?", "3.", "4?", "4.", "So"]
    [event] = played.of(ContextShortened)
    receipt = event.receipt
    assert (receipt.step, receipt.strategy, receipt.messages, receipt.kept) == (1, "drop", 6, 6)
    assert receipt.tokens == 3 * (10_004 + 1 + 5)
    assert (receipt.summary, receipt.failed, receipt.cost_usd) == (None, None, 0.0)
    assert played.outcome.shortened == (receipt,)
    assert played.outcome.text == "Well."
    kinds = [type(each) for each in played.events]
    assert kinds.index(ContextShortened) + 1 == kinds.index(TurnStarted)
    assert fold(map(named, played.events))["context"] == [trace.shortening(receipt)]
    name, data = named(event)
    assert (name, data["dropped_messages"]) == ("context.shortened", 6)


@pytest.mark.parametrize("options", [DROP, SUMMARISE])
async def test_what_fits_is_left_alone(stage: Any, options: ContextOptions) -> None:
    played = await stage.play(["Well."], messages=conversation(2), context=options)
    assert played.of(ContextShortened) == []
    assert len(stage.intermediary.turns[0].messages) == 6


async def test_only_so_many_turns_stay_once_something_has_to_go(stage: Any) -> None:
    options = ContextOptions("drop", keep_last_turns=2)
    await stage.play(["Well."], messages=conversation(5), context=options)
    assert shown(stage.intermediary.turns[0]) == ["Be", "4?", "4.", "So"]
    await stage.play(["Well."], messages=conversation(2), context=options)
    assert len(stage.intermediary.turns[0].messages) == 6


async def test_by_default_too_long_a_conversation_is_lent_to_the_expert(stage: Any) -> None:
    played = await stage.play(
        [ContextTooLong("too long")], expert=["Well."], messages=conversation(5)
    )
    assert played.reasons == ["context_too_long"]
    assert len(stage.expert.turns[0].messages) == 12
    assert played.of(ContextShortened) == []


async def test_a_full_window_is_no_reason_to_escalate_when_it_is_kept_full(stage: Any) -> None:
    nearly = Say(calls=[Call("add", {"a": 1, "b": 2})], usage=Usage(31_000, 10))
    messages = conversation(1)
    kept = await stage.play([nearly, "3"], expert=["3"], messages=messages, context=DROP)
    lent = await stage.play([nearly, "3"], expert=["3"], messages=messages)
    assert (kept.reasons, lent.reasons) == ([], ["context_too_long"])


async def test_where_not_even_the_last_question_fits_the_engine_says_so(stage: Any) -> None:
    messages = [UserMessage(content=LONG * 4)]
    played = await stage.play(
        [ContextTooLong("too long")], expert=["Well."], messages=messages, context=DROP
    )
    assert played.reasons == ["context_too_long"]
    assert played.of(ContextShortened) == []


async def test_steps_of_a_long_run_go_with_their_results_and_the_app_sees_all(stage: Any) -> None:
    async def much(_call: Any) -> str:
        return "y" * 4_000

    stage.tools.act["get_weather"] = much
    cities = [Call("get_weather", {"city": f"C{n}"}) for n in range(8)]
    asked = UserMessage(content="Go." + "x" * 114_000)
    played = await stage.play([*cities, "Wet."], messages=[asked], context=DROP)
    assert played.outcome.text == "Wet."
    for turn in stage.intermediary.turns:
        ids = {c.id for m in turn.messages for c in getattr(m, "tool_calls", None) or ()}
        results = [m for m in turn.messages if isinstance(m, ToolMessage)]
        assert {m.tool_call_id for m in results} == ids
        assert turn.messages[0] is asked
        assert (await stage.intermediary.count_tokens(turn)).total <= 32_768 - 1_024
    assert len(played.results) == 8
    assert played.of(ContextShortened)


async def test_a_summary_stands_in_the_place_of_what_was_left_out(stage: Any) -> None:
    told = Say("They counted to two.", usage=Usage(2000, 20))
    played = await stage.play([told, "Well."], messages=conversation(5), context=SUMMARISE)
    asked, turn = stage.intermediary.turns
    [text] = summaries([asked])
    assert '"content": "0?xxx' in text
    assert len(text) < 20_000  # long messages are told by their beginning and end
    assert asked.tools == ()
    assert shown(turn)[0] == "Be"
    summary = turn.messages[1]
    assert isinstance(summary, UserMessage)
    assert summary.content == f"{SUMMARY_HEAD}\nThey counted to two."
    [receipt] = played.outcome.shortened
    assert (receipt.summary, receipt.usage) == ("They counted to two.", Usage(2000, 20))
    assert receipt.cost_usd == pytest.approx(2020 * 0.1 / 1e6)
    assert played.outcome.usage == Usage(2100, 30)
    assert played.outcome.cost_usd == pytest.approx(2130 * 0.1 / 1e6)


async def test_a_summary_is_made_once_and_replaced_when_more_has_to_go(stage: Any) -> None:
    script = ["First.", "a", "b", "Second.", "c"]
    loop = stage.loop(script)

    async def run(messages: list[ChatMessage], tenant: str = "default") -> list[RunEvent]:
        asked = RunRequest(tuple(messages), context=SUMMARISE, tenant=tenant)
        return [event async for event in loop.run(asked)]

    await run(conversation(5))
    again = await run(conversation(5))
    [receipt] = [each.receipt for each in again if isinstance(each, ContextShortened)]
    assert (receipt.summary, receipt.usage, receipt.cost_usd) == ("First.", Usage(), 0.0)
    await run(conversation(7))
    [_, second] = summaries(stage.intermediary.turns)
    assert second.startswith(f"{SUMMARY_HEAD}\nFirst.")
    assert '"0?' not in second
    shown_last = str(stage.intermediary.turns[-1].messages[1].content)
    assert shown_last == f"{SUMMARY_HEAD}\nSecond."


async def test_no_tenant_gets_anothers_summary(stage: Any) -> None:
    loop = stage.loop(["First.", "a", "Second.", "b"])
    for tenant in ("one", "two"):
        asked = RunRequest(tuple(conversation(5)), context=SUMMARISE, tenant=tenant)
        async for _ in loop.run(asked):
            pass
    assert len(summaries(stage.intermediary.turns)) == 2


@pytest.mark.parametrize("failing", [BackendUnavailable("gone"), "  ", "x" * 80_000])
async def test_without_a_summary_the_oldest_turns_are_just_left_out(
    stage: Any, failing: object
) -> None:
    played = await stage.play([failing, "Well."], messages=conversation(5), context=SUMMARISE)
    assert played.outcome.text == "Well."
    [receipt] = played.outcome.shortened
    assert receipt.failed
    assert receipt.summary is None
    assert played.outcome.usage.prompt_tokens == (200 if isinstance(failing, str) else 100)
    assert receipt.usage.prompt_tokens == played.outcome.usage.prompt_tokens - 100
    assert SUMMARY_HEAD not in str(stage.intermediary.turns[-1].messages[1].content)


async def test_a_summary_that_there_is_no_money_for_is_not_made(stage: Any) -> None:
    limits = Limits(max_cost_usd=0.0035)  # a turn may cost 0.0034, a summary 0.003
    played = await stage.play(
        [Call("add", {"a": 1, "b": 2}), "Well."],
        messages=conversation(5),
        context=SUMMARISE,
        limits=limits,
    )
    assert summaries(stage.intermediary.turns) == []
    assert "not left" in played.outcome.shortened[0].failed


async def test_a_hanging_summary_leaves_time_for_the_answer(stage: Any) -> None:
    hangs = Say("Never.", pauses={0: asyncio.Event()})
    played = await stage.play(
        [hangs, "Well."],
        messages=conversation(5),
        context=SUMMARISE,
        limits=Limits(deadline_s=0.4),
    )
    assert played.outcome.text == "Well."
    assert played.outcome.shortened[0].failed
