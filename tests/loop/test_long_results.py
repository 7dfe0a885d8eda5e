"""A result that is too long to be shown: previewed, kept for the run, and read on by the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from policies.policy import Policy, Subject
from policies.rules.access import ToolAccess
from routing.backends.scripted import Call
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
