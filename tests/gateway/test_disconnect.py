"""A client that leaves, or a person who cancels, ends the run at once: the model turn and the reads."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from routing.backends.scripted import Call, Say

BODY: dict[str, Any] = {"model": "gateway", "messages": [{"role": "user", "content": "Go."}]}


async def until_stopped(gateway: Any) -> dict[str, Any]:
    """The trace of the newest run once it has ended; fails rather than hang."""
    async with asyncio.timeout(5):
        return await gateway.ended(await gateway.newest_run())


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_stops_the_model(serve: Any, stream: bool) -> None:
    never = asyncio.Event()
    gateway = await serve([Say("Once upon a time", pauses={1: never})])
    asking = asyncio.create_task(gateway.chat(stream=stream))
    await gateway.intermediary.asked()
    asking.cancel()
    trace = await until_stopped(gateway)
    assert trace["status"] == "cancelled"
    assert trace["error"] == "stopped: disconnected"
    assert gateway.intermediary.stopped == gateway.intermediary.turns
    assert len(gateway.services.live) == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_cuts_a_pending_read(serve: Any, stream: bool) -> None:
    gateway = await serve([Call("wait")])
    asking = asyncio.create_task(gateway.chat(stream=stream))
    await gateway.tools.waiting.wait()
    asking.cancel()
    async with asyncio.timeout(5):
        await gateway.tools.cut.wait()
    assert (await until_stopped(gateway))["status"] == "cancelled"


async def test_a_client_that_leaves_between_two_pieces_stops_the_model(serve: Any) -> None:
    never = asyncio.Event()
    gateway = await serve([Say("Once upon a time", pauses={1: never})])
    request = gateway.http.build_request(
        "POST", "/v1/chat/completions", json={**BODY, "stream": True}
    )
    response = await gateway.http.send(request, stream=True)
    async with aclosing(response.aiter_bytes()) as pieces:
        assert await anext(pieces)
        await response.aclose()
    trace = await until_stopped(gateway)
    assert trace["status"] == "cancelled"
    assert trace["steps"][0]["finish_reason"] is None
    assert gateway.intermediary.stopped


async def test_the_gateway_goes_on_serving_after_a_client_left(serve: Any) -> None:
    gateway = await serve([Say("x", pauses={0: asyncio.Event()}), "Still here."])
    asking = asyncio.create_task(gateway.chat())
    await gateway.intermediary.asked()
    asking.cancel()
    await until_stopped(gateway)
    body = (await gateway.chat()).json()
    assert body["choices"][0]["message"]["content"] == "Still here."


async def test_a_cancelled_run_is_answered_with_a_conflict(serve: Any) -> None:
    gateway = await serve([Say("x", pauses={0: asyncio.Event()})])
    asking = asyncio.create_task(gateway.chat())
    await gateway.intermediary.asked()
    run_id = await gateway.newest_run()
    cancelled = (await gateway.http.post(f"/v1/runs/{run_id}/cancel")).json()
    assert cancelled["cancelling"] is True
    response = await asking
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "run_cancelled"
    assert response.headers["x-gateway-run-id"] == run_id
    assert (await gateway.run(run_id))["status"] == "cancelled"


async def test_a_stream_whose_run_is_cancelled_ends_with_an_error(serve: Any) -> None:
    gateway = await serve([Say("Once upon a time", pauses={1: asyncio.Event()})])
    request = gateway.http.build_request(
        "POST", "/v1/chat/completions", json={**BODY, "stream": True}
    )
    response = await gateway.http.send(request, stream=True)
    pieces = response.aiter_bytes()
    first = await anext(pieces)
    run_id = response.headers["x-gateway-run-id"]
    await gateway.http.post(f"/v1/runs/{run_id}/cancel")
    rest = first + b"".join([piece async for piece in pieces])
    assert b'"code":"run_cancelled"' in rest
    assert b"[DONE]" not in rest
    await response.aclose()


async def test_a_run_that_has_ended_stays_as_it_is_when_it_is_cancelled(serve: Any) -> None:
    gateway = await serve(["Hi."])
    run_id = (await gateway.chat()).json()["gateway"]["run_id"]
    told = (await gateway.http.post(f"/v1/runs/{run_id}/cancel")).json()
    assert told["cancelling"] is False
    assert told["status"] == "completed"
