"""Responses in the background: told at once, polled, watched again, cancelled, never lost."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.access.principal import ANYONE
from gateway.api.responses.live import LiveResponses
from gateway.live import LiveRuns
from gateway.storage.errors import StorageUnavailable
from gateway.storage.memory_responses import MemoryResponseStore
from gateway.storage.responses import StoredResponse
from routing.backends.scripted import Call, Say
from routing.errors import BackendUnavailable

BACKGROUND: dict[str, Any] = {"model": "gateway", "input": "Go.", "background": True}


def events(body: str) -> list[dict[str, Any]]:
    *blocks, done = [block for block in body.split("\n\n") if block]
    assert done == "data: [DONE]"
    return [json.loads(block.partition("data: ")[2]) for block in blocks]


async def over(gateway: Any, response_id: str) -> dict[str, Any]:
    """The response once it is over: its stream is read to the end."""
    async with asyncio.timeout(10):
        await gateway.http.get(f"/v1/responses/{response_id}", params={"stream": "true"})
    return (await gateway.http.get(f"/v1/responses/{response_id}")).json()


async def test_it_is_told_at_once_and_done_later(serve: Any, judge: Any) -> None:
    go = asyncio.Event()
    gateway = await serve([Say("It is noon.", pauses={0: go})])
    queued = (await gateway.http.post("/v1/responses", json=BACKGROUND)).json()
    assert queued["status"] == "queued"
    judge.response(queued)
    await gateway.intermediary.asked()
    running = (await gateway.http.get(f"/v1/responses/{queued['id']}")).json()
    assert running["status"] == "in_progress"
    judge.response(running)
    go.set()
    made = await over(gateway, queued["id"])
    assert made["status"] == "completed"
    assert made["output"][0]["content"][0]["text"] == "It is noon."


async def test_its_stream_goes_on_where_a_reader_left_it(
    serve: Any, judge: Any, in_order: Any
) -> None:
    go = asyncio.Event()
    gateway = await serve([Say("It is noon.", piece=3, pauses={2: go})])
    stream = await gateway.openai.responses.create(**BACKGROUND, stream=True)
    seen: list[Any] = []
    async for event in stream:
        seen.append(event)
        if event.type == "response.output_text.delta":
            break
    await stream.close()
    response_id, last = seen[0].response.id, seen[-1].sequence_number
    assert [event.type for event in seen][:2] == ["response.created", "response.queued"]
    reading = asyncio.ensure_future(
        gateway.http.get(
            f"/v1/responses/{response_id}", params={"stream": "true", "starting_after": last}
        )
    )
    await gateway.intermediary.asked()
    go.set()
    rest = events((await reading).text)
    assert rest[0]["sequence_number"] == last + 1
    assert rest[-1]["type"] == "response.completed"
    again = await gateway.http.get(f"/v1/responses/{response_id}", params={"stream": "true"})
    whole = events(again.text)
    in_order(whole)
    for event in whole:
        judge.event(event)
    assert whole[last + 1 :] == rest
    assert whole[-1]["response"] == (await gateway.http.get(f"/v1/responses/{response_id}")).json()


async def test_it_is_cancelled_once_and_for_all(serve: Any, judge: Any) -> None:
    gateway = await serve([Call("wait")])
    queued = (await gateway.http.post("/v1/responses", json=BACKGROUND)).json()
    await gateway.tools.waiting.wait()
    cancel = f"/v1/responses/{queued['id']}/cancel"
    first = await gateway.http.post(cancel)
    assert first.json()["status"] == "cancelled"
    assert first.json()["output"][0]["status"] == "incomplete"
    judge.response(first.json())
    assert (await gateway.http.post(cancel)).json() == first.json()
    assert gateway.tools.cut.is_set()
    stream = await gateway.http.get(f"/v1/responses/{queued['id']}", params={"stream": "true"})
    last = events(stream.text)[-1]
    assert (last["type"], last["code"]) == ("error", "run_cancelled")
    judge.event(last)
    continued = await gateway.http.post(
        "/v1/responses", json={"input": "Go.", "previous_response_id": queued["id"]}
    )
    assert continued.status_code == 500  # the script has no more turns: it was asked
    assert [str(m.role) for m in gateway.intermediary.turns[-1].messages] == ["user", "user"]


async def test_it_is_cancelled_before_its_run_has_begun(serve: Any) -> None:
    class Beginning(LiveRuns):
        asked = 0

        def cancel(self, tenant: str, run_id: str) -> bool:
            self.asked += 1
            return self.asked > 1 and super().cancel(tenant, run_id)

    gateway = await serve([Call("wait")], live=Beginning())
    queued = (await gateway.http.post("/v1/responses", json=BACKGROUND)).json()
    cancelled = await gateway.http.post(f"/v1/responses/{queued['id']}/cancel")
    assert cancelled.json()["status"] == "cancelled"


async def test_a_cancel_while_its_end_is_being_stored_does_not_lose_the_end(serve: Any) -> None:
    storing, cancelling = asyncio.Event(), asyncio.Event()

    class Slow(MemoryResponseStore):
        async def update(self, response: StoredResponse, outputs: Any, events: Any = ()) -> None:
            storing.set()
            await cancelling.wait()
            await super().update(response, outputs, events)

    class Asked(LiveRuns):
        def cancel(self, tenant: str, run_id: str) -> bool:
            cancelled = super().cancel(tenant, run_id)
            cancelling.set()
            return cancelled

    gateway = await serve(["It is noon."], responses=Slow(), live=Asked())
    queued = (await gateway.http.post("/v1/responses", json=BACKGROUND)).json()
    await storing.wait()
    cancelled = await gateway.http.post(f"/v1/responses/{queued['id']}/cancel")
    assert cancelled.json()["status"] == "completed"


async def test_what_is_over_or_in_the_foreground_is_not_cancelled(serve: Any) -> None:
    gateway = await serve(["Hi.", "Hi."])
    queued = (await gateway.http.post("/v1/responses", json=BACKGROUND)).json()
    made = await over(gateway, queued["id"])
    cancelled = await gateway.http.post(f"/v1/responses/{queued['id']}/cancel")
    assert cancelled.json() == made
    foreground = (await gateway.http.post("/v1/responses", json={"input": "Go."})).json()
    refused = await gateway.http.post(f"/v1/responses/{foreground['id']}/cancel")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "response_id")
    unseen = await gateway.http.get(f"/v1/responses/{foreground['id']}?stream=true")
    assert (unseen.status_code, unseen.json()["error"]["param"]) == (400, "stream")


async def test_a_failure_is_its_end(serve: Any, judge: Any) -> None:
    gateway = await serve([BackendUnavailable("away")])
    queued = (await gateway.http.post("/v1/responses", json=BACKGROUND)).json()
    made = await over(gateway, queued["id"])
    assert made["status"] == "failed"
    assert made["error"]["code"] == "server_error"
    judge.response(made)


async def test_deleting_it_ends_it(serve: Any) -> None:
    gateway = await serve([Call("wait")])
    queued = (await gateway.http.post("/v1/responses", json=BACKGROUND)).json()
    await gateway.tools.waiting.wait()
    deleted = await gateway.http.delete(f"/v1/responses/{queued['id']}")
    assert deleted.json() == {"id": queued["id"], "object": "response", "deleted": True}
    assert gateway.tools.cut.is_set()
    assert (await gateway.http.get(f"/v1/responses/{queued['id']}")).status_code == 404


async def test_what_is_not_finished_can_not_be_continued(serve: Any) -> None:
    gateway = await serve([Call("wait")])
    queued = (await gateway.http.post("/v1/responses", json=BACKGROUND)).json()
    await gateway.tools.waiting.wait()
    body = {"input": "Go.", "previous_response_id": queued["id"]}
    refused = await gateway.http.post("/v1/responses", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "response_not_finished")


async def test_it_has_to_be_stored(serve: Any) -> None:
    gateway = await serve()
    refused = await gateway.http.post("/v1/responses", json={**BACKGROUND, "store": False})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "store")


@pytest.mark.parametrize("status", ["queued", "in_progress"])
async def test_what_a_crash_left_is_failed_when_the_gateway_starts(
    scripted: Any, status: str
) -> None:
    services = scripted()
    document = {"id": "resp_1", "status": status, "output": [], "background": True}
    left = StoredResponse("default", "resp_1", "run_1", 1.0, document)
    await services.responses.create(left, ())
    async with LiveResponses(services):
        found = await services.responses.get("default", "resp_1")
    assert found.document["status"] == "failed"
    assert found.document["error"]["code"] == "server_error"
    await services.aclose()


async def test_what_a_gateway_beside_this_one_left_is_failed_while_this_one_goes_on(
    scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, looks, waits = scripted(), asyncio.Queue[None](), asyncio.Queue[float]()
    document = {"id": "resp_1", "status": "in_progress", "output": [], "background": True}
    left = StoredResponse("default", "resp_1", "run_1", 1.0, document)
    answers: list[Any] = [StorageUnavailable("the database is away"), (left,)]

    async def unfinished(*, own: bool = True) -> tuple[StoredResponse, ...]:
        if own:  # it starts all the same
            raise StorageUnavailable("the database has just gone away")
        if not answers:
            return ()
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def pause(seconds: float) -> None:
        waits.put_nowait(seconds)
        await looks.get()

    monkeypatch.setattr(services.responses, "unfinished", unfinished)
    async with asyncio.timeout(10), LiveResponses(services, pause):
        await services.responses.create(left, ())
        for _ in range(2):
            assert await waits.get() == 10
            looks.put_nowait(None)
        await waits.get()  # it has looked twice: what failed once is done again
        found = await services.responses.get("default", "resp_1")
        assert found.document["status"] == "failed"
    await services.aclose()


async def test_a_shutdown_is_recorded(serve: Any) -> None:
    gateway = await serve([Call("wait")])
    live = LiveResponses(gateway.services)
    from contextlib import ExitStack

    from gateway.api.responses.creation import prepare
    from gateway.api.responses.request import parse_request

    async with live:
        creation = await prepare(parse_request(BACKGROUND), gateway.services, ANYONE)
        await live.start(creation, ExitStack())
        await gateway.tools.waiting.wait()
    found = await gateway.services.responses.get("default", creation.id)
    assert found.document["status"] == "failed"
    assert "stopped" in found.document["error"]["message"]
    assert found.document["output"][0]["status"] == "incomplete"
