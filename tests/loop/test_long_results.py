"""A result that is too long to be shown: previewed, kept for the run, and read on by the model."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.loop import AgentLoop
from gateway.agent.result_budget import ResultBudget
from gateway.agent.run import Decided, Resumed, RunRequest
from gateway.agent.suspension import dumped, loaded
from policies.policy import Policy, Subject
from policies.rules.access import ToolAccess
from policies.rules.approval import Approval
from routing.backend import TokenCount, Turn
from routing.backends.scripted import Call, Item, ScriptedBackend
from routing.errors import BackendTimeout
from routing.router import Member, Router
from tests.stage import spec
from tools.spec import ToolResult, ValidCall

LONG = "".join(f"line {number}: nothing\n" for number in range(3_000)) + "the key is under the mat"


def offered(stage: Any, turn: int) -> list[str]:
    return [tool.function.name for tool in stage.intermediary.turns[turn].tools]


def shown(stage: Any, turn: int) -> str:
    return str(stage.intermediary.turns[turn].messages[-1].content)


def with_long(stage: Any) -> Any:
    async def long(call: ValidCall) -> str:
        del call
        return LONG

    stage.tools.act["get_weather"] = long
    return stage


WEATHER = Call("get_weather", {"city": "Lyon"})


async def test_it_is_previewed_and_the_model_reads_on_to_what_it_needs(stage: Any) -> None:
    searches = Call("read_result", {"handle": "r1", "search": "THE KEY"})
    played = await with_long(stage).play([WEATHER, searches, "Under the mat."])
    assert played.text == "Under the mat."
    assert "read_result" not in offered(stage, 0)
    assert offered(stage, 1)[-1] == "read_result"
    assert f"[result r1: {len(LONG)} characters" in shown(stage, 1)
    assert len(shown(stage, 1)) < 5_000
    assert "the key is under the mat" in shown(stage, 2)


async def test_a_short_result_brings_no_tool(stage: Any) -> None:
    await stage.play([WEATHER, "Clear."])
    assert "read_result" not in offered(stage, 1)


async def test_another_run_can_not_read_it(stage: Any) -> None:
    await with_long(stage).play([WEATHER, "Done."])
    again = [Call("read_result", {"handle": "r1"}), "No."]
    played = await stage.play(again)
    assert played.text.startswith("No.")
    assert "there is no tool" in shown(stage, -1)


async def test_what_policy_holds_back_is_cut_as_ever(stage: Any) -> None:
    deny = ToolAccess(deny=["read_result"])
    await with_long(stage).play([WEATHER, "Done."], policies=deny)
    assert "read_result" not in offered(stage, 1)
    assert shown(stage, 1).endswith("ask for less or for a part]")
    assert len(shown(stage, 1)) < 21_000


async def test_a_tool_of_that_name_stays_what_it_is(stage: Any) -> None:
    stage.registry.register(spec("read_result", {}, read_only=True), stage.tools)
    await with_long(stage).play([WEATHER, Call("read_result", {}), "Done."])
    assert stage.tools.log[-1] == ("read_result", {})
    assert shown(stage, 1).endswith("ask for less or for a part]")


class Masks(Policy):
    """Takes a word out of results."""

    def on_result(self, subject: Subject, call: ValidCall, result: ToolResult) -> ToolResult:
        return replace(result, content=result.content.replace("under the mat", "***"))


async def test_what_is_kept_is_what_the_rules_let_through(stage: Any) -> None:
    """So a word that a rule takes out can't be had in halves, by reading up to its middle."""
    reads = Call("read_result", {"handle": "r1", "start": LONG.index("the key")})
    await with_long(stage).play([WEATHER, reads, "Done."], policies=Masks())
    assert shown(stage, 2).endswith("the key is ***")


class Counting(ScriptedBackend):
    """Every character is a token, as where nothing of a text is known to the tokenizer."""

    counted = 0

    async def count_tokens(self, turn: Turn) -> TokenCount:
        self.counted += 1
        return TokenCount(0, tuple(len(str(message.content)) for message in turn.messages))


async def budgeted(stage: Any, backend: ScriptedBackend, budget: ResultBudget | None = None) -> Any:
    stage.intermediary = backend
    loop = AgentLoop(Router(Member(backend)), stage.registry, results=budget)
    async for _ in loop.run(RunRequest(messages=(UserMessage(content="Go."),))):
        pass
    return backend


def brings(stage: Any, *texts: str) -> Any:
    left = iter(texts)

    async def act(call: ValidCall) -> str:
        del call
        return next(left)

    stage.tools.act["get_weather"] = act
    return stage


CITIES: list[Item] = [Call("get_weather", {"city": city}) for city in ("Lyon", "Paris", "Rome")]


async def test_a_result_is_measured_by_the_models_own_count(stage: Any) -> None:
    dense = "x" * 7_000
    backend = Counting([WEATHER, "Done."], context_tokens=100_000)
    await budgeted(brings(stage, dense), backend)
    assert f"[result r1: {len(dense)} characters" in shown(stage, 1)
    loose = ScriptedBackend([WEATHER, "Done."], context_tokens=100_000)
    await budgeted(brings(stage, dense), loose)
    assert shown(stage, 1) == dense


async def test_a_short_result_is_not_counted(stage: Any) -> None:
    backend = Counting([WEATHER, "Done."])
    await budgeted(brings(stage, "x" * 5_900), backend)
    assert backend.counted == 0
    assert shown(stage, 1) == "x" * 5_900


@pytest.mark.parametrize("tokens", [100, 20_000])
async def test_a_tool_may_say_how_much_of_its_results_is_shown(stage: Any, tokens: int) -> None:
    stage.registry.remove("get_weather")
    weather = spec("get_weather", {"city": {"type": "string"}}, read_only=True)
    stage.registry.register(replace(weather, result_tokens=tokens), stage.tools)
    backend = Counting([WEATHER, "Done."], context_tokens=100_000)
    await budgeted(brings(stage, "x" * 10_000), backend)
    assert (len(shown(stage, 1)) == 10_000) is (tokens > 10_000)
    assert len(shown(stage, 1)) <= max(tokens + 250, 10_000 if tokens > 10_000 else 0)


async def test_what_a_runs_results_take_together_is_bounded(stage: Any) -> None:
    budget = ResultBudget(each=10_000, of_run=5_000)
    backend = Counting([*CITIES, "Done."], context_tokens=100_000)
    await budgeted(brings(stage, *(sign * 4_900 for sign in "abc")), backend, budget)
    assert len(shown(stage, 1)) == 4_900
    for turn in (2, 3):
        assert "read on with read_result" in shown(stage, turn)
    assert shown(stage, 2).count("b") > shown(stage, 3).count("c")


async def test_half_of_the_window_is_for_results(stage: Any) -> None:
    backend = Counting([WEATHER, "Done."], context_tokens=2_000)
    await budgeted(brings(stage, "x" * 1_500), backend)
    assert "[result r1: 1500 characters" in shown(stage, 1)


async def test_a_piece_that_is_too_much_is_cut_and_makes_no_handle(stage: Any) -> None:
    reads = Call("read_result", {"handle": "r1", "length": 8_000})
    backend = Counting([WEATHER, reads, "Done."], context_tokens=100_000)
    await budgeted(brings(stage, LONG), backend, ResultBudget(each=1_000))
    assert shown(stage, 2).startswith("[r1, characters 0 to 8000")
    assert len(shown(stage, 2)) < 1_200
    assert "r2" not in shown(stage, 2)


async def test_where_nobody_counts_in_time_the_guess_decides(stage: Any) -> None:
    class Silent(ScriptedBackend):
        async def count_tokens(self, turn: Turn) -> TokenCount:
            raise BackendTimeout("not in time", backend="silent")

    await budgeted(brings(stage, "x" * 7_000), Silent([WEATHER, "Done."]))
    assert len(shown(stage, 1)) == 7_000


async def test_handles_are_there_when_a_run_goes_on_after_a_person_decided(stage: Any) -> None:
    rule = Approval(tools=["wipe"])
    played = await with_long(stage).play([WEATHER, Call("wipe"), "Done."], policies=rule)
    kept = played.outcome.suspended
    stored = loaded(json.loads(json.dumps(dumped(kept))))
    decisions = {held.call_id: Decided("approve") for held in stored.held}
    searches = Call("read_result", {"handle": "r1", "search": "the key"})
    loop = stage.loop([searches, WEATHER, "Done."], policies=rule)
    async for _ in loop.run(stored.request, Resumed(stored, decisions)):
        pass
    assert "the key is under the mat" in shown(stage, 1)
    assert "[result r1:" in shown(stage, 2), "the same text has the same handle"
