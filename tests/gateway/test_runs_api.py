"""`/v1/runs`: the whole trace of a run, live and afterwards."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from routing.backends.scripted import Call, Say
from routing.errors import BackendUnavailable


async def run_of(served: Any, /, **body: Any) -> dict[str, Any]:
    response = await served.chat(**body)
    return await served.run(response.headers["x-gateway-run-id"])


def sse(body: str) -> list[tuple[str, dict[str, Any]]]:
    """Event names and data of a stream."""
    found: list[tuple[str, dict[str, Any]]] = []
    for block in body.split("\n\n"):
        if block:
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


async def test_a_trace_tells_turns_calls_results_and_the_answer(serve: Any) -> None:
    gateway = await serve([Say("Let me add.", [Call("add", {"a": "17", "b": 25})]), "It is 42."])
    trace = await run_of(gateway, content="What is 17 + 25?")
    assert trace["object"] == "run"
    assert trace["status"] == "completed"
    assert trace["created_at"] <= trace["finished_at"]
    assert trace["offered"] == ["add", "wait"]
    assert trace["request"]["messages"] == [{"role": "user", "content": "What is 17 + 25?"}]
    assert trace["answer"].endswith("It is 42.")
    assert trace["usage"]["total_tokens"] == 220
    first, second = trace["steps"]
    assert (first["step"], first["role"], first["model"]) == (1, "intermediary", "small")
    assert first["text"] == "Let me add."
    [call] = first["calls"]
    assert (call["name"], call["arguments"], call["effect"]) == ("add", {"a": 17, "b": 25}, "read")
    assert call["repairs"]
    assert call["client"] is False
    assert json.loads(call["result"]["content"]) == {"sum": 42}
    assert call["result"]["failure"] is None
    assert (second["step"], second["text"]) == (2, "It is 42.")
    assert second["usage"]["completion_tokens"] == 10


async def test_a_trace_tells_what_was_refused_and_why(serve: Any) -> None:
    gateway = await serve([Call("add", {"a": "x", "b": 1}), Call("ad", {}), "I can't."])
    trace = await run_of(gateway)
    refused = [refusal for step in trace["steps"] for refusal in step["refused"]]
    assert [refusal["problem"] for refusal in refused] == ["schema", "unknown_tool"]
    assert refused[0]["path"] == "$.a"


async def test_a_failed_tool_is_in_the_trace_with_its_failure(serve: Any) -> None:
    gateway = await serve([Call("add", {"a": 13, "b": 1}), "Bad luck."])
    [call] = (await run_of(gateway))["steps"][0]["calls"]
    assert call["result"]["failure"] == "tool"
    assert "bad luck" in call["result"]["content"]


async def test_a_run_that_no_model_answered_is_failed_and_says_why(serve: Any) -> None:
    gateway = await serve([BackendUnavailable("connection refused")] * 4)
    trace = await run_of(gateway)
    assert trace["status"] == "failed"
    assert "connection refused" in trace["error"]


async def test_runs_are_listed_newest_first(serve: Any) -> None:
    gateway = await serve(["1", "2", "3"])
    ids = [(await gateway.chat()).headers["x-gateway-run-id"] for _ in range(3)]
    listed = (await gateway.http.get("/v1/runs", params={"limit": 2})).json()
    assert listed["object"] == "list"
    assert [run["id"] for run in listed["data"]] == ids[:0:-1]
    assert {run["status"] for run in listed["data"]} == {"completed"}


async def test_the_events_of_a_run_that_has_ended_are_told_in_order(serve: Any) -> None:
    gateway = await serve([Call("add", {"a": 1, "b": 2}), Call("ad"), "Three."])
    run_id = (await gateway.chat()).headers["x-gateway-run-id"]
    response = await gateway.http.get(f"/v1/runs/{run_id}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    events = sse(response.text)
    names = [name for name, _ in events]
    assert names[:5] == [
        "run.started",
        "turn.started",
        "turn.finished",
        "call.accepted",
        "observation",
    ]
    assert "call.refused" in names
    assert names[-1] == "run.finished"
    assert events[-1][1]["answer"] == "Three."


async def test_a_run_can_be_watched_while_it_goes(serve: Any) -> None:
    go_on = asyncio.Event()
    gateway = await serve([Say("Once upon a time", pauses={1: go_on})])
    asking = asyncio.create_task(gateway.chat())
    await gateway.intermediary.asked()
    run_id = await gateway.newest_run()
    assert (await gateway.run(run_id))["status"] == "running"
    seen = ""
    async with gateway.http.stream("GET", f"/v1/runs/{run_id}/events") as watching:
        async for piece in watching.aiter_text():
            seen += piece
            if "Once upo" in seen:
                go_on.set()
    events = sse(seen)
    assert "".join(data["text"] for name, data in events if name == "text.delta") == (
        "Once upon a time"
    )
    assert events[-1][0] == "run.finished"
    assert (await asking).status_code == 200


async def test_an_escalation_is_in_the_trace_and_in_the_events(serve: Any) -> None:
    gateway = await serve([], expert=["Forty-two."])
    trace = await run_of(gateway, gateway={"escalation": "always"})
    [receipt] = trace["escalations"]
    assert (receipt["reason"], receipt["model"], receipt["failed"]) == ("always", "large", None)
    assert trace["cost_usd"] > 0
    events = sse((await gateway.http.get(f"/v1/runs/{trace['id']}/events")).text)
    assert ("escalated", receipt) in events


async def test_numbers_beyond_64_bits_are_told_exactly(serve: Any) -> None:
    gateway = await serve([Call("add", {"a": 10**30 + 1, "b": -(10**30)}), "One."])
    trace = await run_of(gateway)
    assert trace["steps"][0]["calls"][0]["arguments"]["a"] == 10**30 + 1
    events = sse((await gateway.http.get(f"/v1/runs/{trace['id']}/events")).text)
    assert dict(events)["call.accepted"]["arguments"]["a"] == 10**30 + 1


async def test_half_a_surrogate_pair_from_a_model_breaks_nothing(serve: Any) -> None:
    for stream in (False, True):
        gateway = await serve([Say("Look: \ud83d", piece=7)])
        response = await gateway.chat(stream=stream)
        assert response.status_code == 200
        assert "ud83d" in response.text
        run_id = response.headers["x-gateway-run-id"]
        assert (await gateway.http.get(f"/v1/runs/{run_id}")).status_code == 200
