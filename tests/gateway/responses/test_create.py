"""`POST /v1/responses` over HTTP: whole and streamed, continued, refused, with the openai client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routing.backends.scripted import Call, Say
from routing.errors import BackendUnavailable, ContextTooLong

CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER: dict[str, Any] = {"type": "function", "name": "get_weather", "parameters": CITY}


def events(body: str) -> list[dict[str, Any]]:
    """The events of a stream, each named as its data says; behind the last comes [DONE]."""
    *blocks, done = [block for block in body.split("\n\n") if block]
    assert done == "data: [DONE]"
    read: list[dict[str, Any]] = []
    for block in blocks:
        name, data = block.split("\n")
        read.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {read[-1]['type']}"
    return read


def still(value: Any) -> Any:
    """A response without what differs from run to run."""
    changing = ("id", "call_id", "created_at", "completed_at", "run_id", "encrypted_content")
    if isinstance(value, dict):
        return {k: still(v) for k, v in value.items() if k not in changing}
    return [still(each) for each in value] if isinstance(value, list) else value


SCRIPTS: list[list[Any]] = [
    ["It is noon."],
    [Say("I add.", calls=[Call("add", {"a": 1, "b": 2})]), "It is 3."],
    [[Call("get_weather", {"city": "Lyon"}), Call("add", {"a": 1, "b": 2})]],
    [Say("It is", finish_reason="length")],
    ["It is" + " what it is" * 1_000],
]


@pytest.mark.parametrize("script", SCRIPTS)
async def test_whole_is_what_the_last_event_of_a_stream_says(
    serve: Any, script: list[Any], judge: Any, in_order: Any
) -> None:
    gateway = await serve([*script, *script])
    body = {"input": "Go.", "tools": [WEATHER], "gateway": {"tools": ["*"]}}
    whole = await gateway.http.post("/v1/responses", json=body)
    assert whole.status_code == 200
    assert whole.headers["x-gateway-run-id"] == whole.json()["gateway"]["run_id"]
    streamed = await gateway.http.post("/v1/responses", json={**body, "stream": True})
    seen = events(streamed.text)
    in_order(seen)
    assert still(seen[-1]["response"]) == still(whole.json())
    judge.response(whole.json())
    for made in (whole.json(), seen[-1]["response"]):
        kept = await gateway.http.get(f"/v1/responses/{made['id']}")
        assert kept.json() == made


async def test_an_answer_that_only_repeats_itself_is_an_incomplete_message(serve: Any) -> None:
    gateway = await serve(["It is" + " what it is" * 1_000])
    made = (await gateway.http.post("/v1/responses", json={"input": "Go."})).json()
    assert made["status"] == "incomplete"
    assert made["incomplete_details"]["code"] == "repetition"
    message = made["output"][0]
    assert message["status"] == "incomplete"
    assert len(message["content"][0]["text"]) < 500


async def test_a_response_continues_the_one_before(serve: Any) -> None:
    gateway = await serve([Call("add", {"a": 1, "b": 2}), "It is 3.", "Yes, 3."])
    first = await gateway.openai.responses.create(
        model="gateway", input="1 + 2?", instructions="Add."
    )
    second = await gateway.openai.responses.create(
        model="gateway", input="Sure?", previous_response_id=first.id
    )
    assert second.output_text == "Yes, 3."
    roles = [str(message.role) for message in gateway.intermediary.turns[-1].messages]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]  # no instructions


async def test_the_app_answers_its_call_and_the_gateway_knows_its_own(serve: Any) -> None:
    mixed = [Call("get_weather", {"city": "Lyon"}), Call("add", {"a": 1, "b": 2})]
    gateway = await serve([mixed, "Sunny, and 3."])
    tools: Any = [WEATHER]
    extra = {"gateway": {"tools": ["*"]}}
    first = await gateway.openai.responses.create(
        model="gateway", input="Go.", tools=tools, extra_body=extra
    )
    [call] = [i for i in first.output if i.type == "function_call" and i.name == "get_weather"]
    second = await gateway.openai.responses.create(
        model="gateway",
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}],
        tools=tools,
    )
    assert second.output_text == "Sunny, and 3."
    _, said, *results = gateway.intermediary.turns[-1].messages
    assert [each.function.name for each in said.tool_calls] == ["get_weather", "add"]
    assert {each.content for each in results} == {"sunny", '{"sum":3}'}


async def test_a_failure_before_the_first_word_is_an_http_error_and_leaves_nothing(
    serve: Any,
) -> None:
    gateway = await serve([BackendUnavailable("away"), ContextTooLong("too long")])
    away = await gateway.http.post("/v1/responses", json={"input": "Go.", "stream": True})
    assert (away.status_code, away.json()["error"]["code"]) == (503, "model_unavailable")
    run_id = away.headers["x-gateway-run-id"]
    kept = await gateway.http.get(f"/v1/responses/resp_{run_id.removeprefix('run_')}")
    assert kept.status_code == 404
    long = await gateway.http.post("/v1/responses", json={"input": "Go."})
    assert long.status_code == 400
    assert long.json()["error"]["param"] == "input"
    assert long.json()["error"]["code"] == "context_length_exceeded"


async def test_what_is_not_stored_can_not_be_continued(serve: Any) -> None:
    gateway = await serve(["Hi."])
    made = await gateway.openai.responses.create(model="gateway", input="Hi", store=False)
    body = {"input": "Go.", "previous_response_id": made.id}
    refused = await gateway.http.post("/v1/responses", json=body)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "previous_response_not_found"
    assert refused.json()["error"]["param"] == "previous_response_id"
