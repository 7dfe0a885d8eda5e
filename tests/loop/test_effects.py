"""Effects decide: reads side by side, writes alone and in order, each with its own key."""

from __future__ import annotations

import asyncio
from typing import Any

from routing.backends.scripted import Call
from tools.spec import ValidCall

ROME, OSLO = {"city": "Rome"}, {"city": "Oslo"}


async def test_reads_run_in_parallel(stage: Any) -> None:
    both = asyncio.Barrier(2)

    async def meet(call: ValidCall) -> str:
        await both.wait()
        return call.arguments["city"]

    stage.tools.act["get_weather"] = meet
    async with asyncio.timeout(5):
        played = await stage.play(
            [[Call("get_weather", ROME), Call("get_weather", OSLO)], "Clear."]
        )
    assert [result.content for result in played.results] == ["Rome", "Oslo"]


async def test_a_write_waits_for_what_stands_before_it_and_runs_alone(stage: Any) -> None:
    running = 0
    seen: list[tuple[str, int]] = []

    async def watch(call: ValidCall) -> None:
        nonlocal running
        running += 1
        seen.append((call.arguments["city"], running))
        await asyncio.sleep(0)
        running -= 1

    stage.tools.act = {"book": watch, "get_weather": watch}
    calls = [
        Call("get_weather", {"city": "a"}),
        Call("get_weather", {"city": "b"}),
        Call("book", {"city": "c"}),
        Call("book", {"city": "d"}),
        Call("get_weather", {"city": "e"}),
    ]
    await stage.play([calls, "Done."])
    assert seen == [("a", 1), ("b", 2), ("c", 1), ("d", 1), ("e", 1)]


async def test_each_call_has_a_key_of_its_own_from_run_step_and_call(stage: Any) -> None:
    calls = [Call("book", ROME, id="aaaaaaaa1"), Call("book", OSLO, id="aaaaaaaa2")]
    await stage.play([calls, Call("book", ROME, id="aaaaaaaa1"), "Done."], run_id="run_x")
    keys = [context.idempotency_key for context in stage.tools.contexts]
    assert keys == ["run_x:1:aaaaaaaa1", "run_x:1:aaaaaaaa2", "run_x:2:aaaaaaaa1"]


async def test_a_failing_tool_is_an_observation_and_the_run_goes_on(stage: Any) -> None:
    played = await stage.play([Call("get_weather", {"city": "Atlantis"}), "No such city."])
    assert played.results[0].is_error
    assert "no such city" in played.results[0].content
    assert played.text == "No such city."


async def test_a_tool_with_a_bug_is_an_observation_that_tells_nothing_of_the_inside(
    stage: Any,
) -> None:
    async def broken(call: ValidCall) -> None:
        del call
        raise ZeroDivisionError("password=hunter2")

    stage.tools.act["get_weather"] = broken
    played = await stage.play([Call("get_weather", ROME), "Sorry."])
    assert played.results[0].is_error
    assert "hunter2" not in played.results[0].content
