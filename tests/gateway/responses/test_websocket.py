"""The Responses API over a WebSocket, with a plain client and with `openai`'s own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from gateway.api.responses import websocket
from routing.backends.scripted import Call, Say

TERMINAL = {"response.completed", "response.incomplete", "response.failed", "error"}
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def socket(gateway: Any, **options: Any) -> Any:
    url = gateway.url.replace("http://", "ws://") + "/v1/responses"
    return connect(url, proxy=None, open_timeout=10, **options)


async def say(client: ClientConnection, **body: Any) -> None:
    await client.send(json.dumps({"type": "response.create", "model": "gateway", **body}))


async def turn(client: ClientConnection) -> list[dict[str, Any]]:
    """The messages up to and with the one that ends a turn."""
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while not events or events[-1]["type"] not in TERMINAL:
            events.append(json.loads(await client.recv()))
    return events


async def ask(client: ClientConnection, **body: Any) -> dict[str, Any]:
    """The last message of a turn: an error, or the response in its event."""
    await say(client, **body)
    last = (await turn(client))[-1]
    return last if last["type"] == "error" else last["response"]


def text(response: dict[str, Any]) -> str:
    return response["output"][-1]["content"][0]["text"]


def told(gateway: Any) -> list[str]:
    """What the model read in its last turn."""
    return [str(message.content) for message in gateway.intermediary.turns[-1].messages]


async def test_the_events_are_those_of_a_stream(serve: Any) -> None:
    script = [Call("add", {"a": 17, "b": 25}), "It is 42."]
    gateway = await serve([*script, *script])
    body = {"model": "gateway", "input": "Add.", "stream": True}
    async with gateway.http.stream("POST", "/v1/responses", json=body) as answer:
        lines = [line async for line in answer.aiter_lines()]
    streamed = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    async with socket(gateway) as client:
        await say(client, input="Add.")
        events = await turn(client)
    assert [(e["type"], e["sequence_number"]) for e in events] == [
        (e["type"], e["sequence_number"]) for e in streamed
    ]
    assert [sorted(e) for e in events] == [sorted(e) for e in streamed]
    assert text(events[-1]["response"]) == "It is 42."


async def test_what_was_not_stored_is_continued_on_the_same_socket_and_on_no_other(
    serve: Any,
) -> None:
    gateway = await serve(["One.", "Two.", "Three."])
    async with socket(gateway) as client, socket(gateway) as other:
        first = await ask(client, input="Count.", store=False)
        going_on = {"input": "On.", "store": False, "previous_response_id": first["id"]}
        lost = await ask(other, **going_on)
        second = await ask(client, **going_on)
        third = await ask(client, input="And on.", store=False, previous_response_id=second["id"])
    assert (lost["status"], lost["error"]["code"]) == (400, "previous_response_not_found")
    assert lost["error"]["param"] == "previous_response_id"
    assert text(third) == "Three."
    assert told(gateway) == ["Count.", "One.", "On.", "Two.", "And on."]
    assert (await gateway.http.get(f"/v1/responses/{first['id']}")).status_code == 404


async def test_only_the_last_response_is_kept(serve: Any) -> None:
    gateway = await serve(["One.", "Another."])
    async with socket(gateway) as client:
        first = await ask(client, input="Count.", store=False)
        await ask(client, input="Something else.", store=False)
        lost = await ask(client, input="On.", previous_response_id=first["id"])
    assert lost["error"]["code"] == "previous_response_not_found"


async def test_what_was_stored_is_continued_anywhere(serve: Any) -> None:
    gateway = await serve(["One.", "Two.", "Three."])
    async with socket(gateway) as client:
        first = await ask(client, input="Count.")
    async with socket(gateway) as client:
        second = await ask(client, input="On.", previous_response_id=first["id"])
    body = {"model": "gateway", "input": "And on.", "previous_response_id": second["id"]}
    third = (await gateway.http.post("/v1/responses", json=body)).json()
    assert text(third) == "Three."
    assert told(gateway) == ["Count.", "One.", "On.", "Two.", "And on."]


async def test_a_continuation_that_fails_drops_what_it_continued(serve: Any) -> None:
    gateway = await serve(["One."])
    async with socket(gateway) as client:
        first = await ask(client, input="Count.", store=False)
        bad = await ask(client, input=5, previous_response_id=first["id"])
        lost = await ask(client, input="On.", previous_response_id=first["id"])
    assert (bad["status"], bad["error"]["param"]) == (400, "input")
    assert lost["error"]["code"] == "previous_response_not_found"


async def test_a_failing_turn_of_its_own_drops_nothing(serve: Any) -> None:
    gateway = await serve(["One.", "Two."])
    async with socket(gateway) as client:
        first = await ask(client, input="Count.", store=False)
        await ask(client, input=5)
        second = await ask(client, input="On.", previous_response_id=first["id"])
    assert text(second) == "Two."


async def test_one_response_is_made_at_a_time_in_the_order_of_the_messages(serve: Any) -> None:
    go_on = asyncio.Event()
    gateway = await serve([Say("First.", pauses={0: go_on}), "Second.", "Third."])
    async with socket(gateway) as client:
        for content in ("a", "b", "c"):
            await say(client, input=content)
        await gateway.intermediary.asked()
        other = await gateway.http.get("/healthz")
        assert other.status_code == 200
        assert len(gateway.intermediary.turns) == 1
        go_on.set()
        answers = [text((await turn(client))[-1]["response"]) for _ in range(3)]
    assert answers == ["First.", "Second.", "Third."]


async def test_too_many_messages_in_advance_are_refused(serve: Any) -> None:
    go_on = asyncio.Event()
    gateway = await serve([Say("First.", pauses={0: go_on}), *["More."] * 16])
    async with socket(gateway) as client:
        await say(client, input="first")
        await gateway.intermediary.asked()
        for _ in range(17):
            await say(client, input="more")
        refused = json.loads(await client.recv())
        go_on.set()
        answers = [(await turn(client))[-1]["type"] for _ in range(17)]
    assert (refused["status"], refused["error"]["code"]) == (429, "too_many_waiting")
    assert answers == ["response.completed"] * 17


@pytest.mark.parametrize(
    ("message", "status", "param"),
    [
        ("{", 400, None),
        ("[]", 400, None),
        ("{}", 400, "type"),
        (b"\xff", 400, None),
        ('{"type": "response.cancel"}', 400, "type"),
        ('{"type": "response.create", "stream": false, "input": "Hi."}', 400, "stream"),
        ('{"type": "response.create", "background": true, "input": "Hi."}', 400, "background"),
        ('{"type": "response.create", "input": "Hi.", "tools": [{}]}', 400, "tools[0].type"),
        ('{"type": "response.create", "input": "Hi.", "model": "x"}', 404, "model"),
        ('{"type": "response.create", "input": "' + "x" * 2000 + '"}', 413, None),
    ],
)
async def test_a_message_that_is_not_right_is_told_and_the_socket_stays_open(
    serve: Any, message: str | bytes, status: int, param: str | None
) -> None:
    gateway = await serve(["Hi."], max_body_bytes=1000)
    async with socket(gateway) as client:
        await client.send(message)
        [error] = await turn(client)
        assert (error["type"], error["status"], error["error"]["param"]) == ("error", status, param)
        assert text(await ask(client, input="Hi.")) == "Hi."


async def test_a_client_that_leaves_ends_its_run(serve: Any) -> None:
    gateway = await serve([Call("wait", {})])
    async with socket(gateway) as client:
        await say(client, input="Wait.")
        await gateway.tools.waiting.wait()
    await asyncio.wait_for(gateway.tools.cut.wait(), 5)
    run = await gateway.ended(await gateway.newest_run())
    assert run["status"] == "cancelled"


async def test_a_connection_has_a_longest_life(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "LASTS_S", 0.05)
    gateway = await serve()
    async with socket(gateway) as client:
        [error] = await turn(client)
        await asyncio.wait_for(client.wait_closed(), 5)
    assert (error["status"], error["error"]["code"]) == (400, "websocket_connection_limit_reached")
    assert client.close_code == 1000


async def test_a_page_of_another_origin_can_not_connect(serve: Any) -> None:
    gateway = await serve()
    with pytest.raises(InvalidStatus) as refused:
        await socket(gateway, origin="http://evil.example")
    assert refused.value.response.status_code == 403


async def test_the_openai_client_has_an_exchange_over_one_connection(serve: Any) -> None:
    gateway = await serve([Call("get_weather", {"city": "Lyon"}), "Sunny in Lyon."])
    pieces: list[str] = []
    asking: Any = {"input": "How is the weather?"}
    async with gateway.openai.responses.connect() as connection:
        while asking:
            await connection.response.create(
                model="gateway", store=False, tools=[WEATHER], **asking
            )
            asking = None
            async for event in connection:
                if event.type == "response.output_text.delta":
                    pieces.append(event.delta)
                if event.type == "response.completed":
                    [item] = event.response.output
                    if item.type == "function_call":
                        result = {"call_id": item.call_id, "output": "sunny"}
                        asking = {
                            "previous_response_id": event.response.id,
                            "input": [{"type": "function_call_output", **result}],
                        }
                    break
    assert "".join(pieces) == "Sunny in Lyon."
    assert told(gateway)[-1] == "sunny"
