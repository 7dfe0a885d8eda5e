"""Runs that go on after a person has decided, while gateways stop: another one goes on where they were."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage
from sqlalchemy import text

from gateway.agent.events import RunEvent
from gateway.agent.loop import AgentLoop
from gateway.agent.run import RunRequest
from gateway.api.driving import drive
from gateway.api.responses.creation import nobody_leaves
from gateway.resuming import Resuming
from gateway.services import Services
from gateway.storage.durable import Bounds
from gateway.storage.errors import StorageUnavailable
from gateway.storage.runs import RunLog
from gateway.storage.sql.durable import SqlDurableRuns
from gateway.storage.suspensions import Suspension
from routing.backends.scripted import Call, Say, ScriptedBackend
from tests.gateway.conftest import Tools, build
from tests.gateway.test_approvals import ADD_100, APPROVED, People, decide, over, stores, went_on

ADD_1 = Call("add", {"a": 1, "b": 1})
ADD_101 = Call("add", {"a": 101, "b": 1}, id="abcdefgh2")


async def opened(path: Path, script: list[Any]) -> tuple[Services, Tools]:
    kept = await asyncio.to_thread(stores, path)
    return build(script, policies=People(), **over(kept))


def model(services: Services) -> ScriptedBackend:
    backend = services.models["intermediary"]
    assert isinstance(backend, ScriptedBackend)
    return backend


async def unheard(_event: RunEvent) -> None:
    """Nobody waits for this run."""


async def decided(services: Services) -> str:
    """A run that waited for a person, who has approved; gives its id."""
    assert isinstance(services.loop, AgentLoop)
    request = RunRequest(messages=(UserMessage(content="Go."),))
    await drive(services, services.store.begin(request), nobody_leaves, unheard)
    await services.suspensions.decide("default", request.run_id, "abcdefgh1", APPROVED)
    return request.run_id


async def ended(services: Services, run_id: str, *statuses: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            run = await services.store.get("default", run_id)
            if run is not None and run.status in statuses:
                return run.trace()
            await asyncio.sleep(0.01)


async def test_the_next_gateway_goes_on_beyond_the_approved_calls(tmp_path: Path) -> None:
    path, never = tmp_path / "gateway.db", asyncio.Event()
    script = [ADD_100, ADD_1, Say("never", pauses={0: never})]
    services, tools = await opened(path, script)
    run_id = await decided(services)
    async with Resuming(services):
        await model(services).asked(3)
        assert tools.log == ["add", "add"]
    await services.aclose()
    services, tools = await opened(path, ["It is done."])
    async with Resuming(services):
        trace = await ended(services, run_id, "completed")
    assert tools.log == [], "what was brought is in the journal"
    assert trace["answer"] == "It is done."
    assert [step["step"] for step in trace["steps"]] == [1, 2, 3]
    assert len(model(services).turns) == 1
    kept = await services.suspensions.get("default", run_id)
    assert kept is not None
    assert kept.status == "over"
    await services.aclose()


async def test_two_approved_calls_of_one_turn_both_stand_in_the_journal(tmp_path: Path) -> None:
    path, never = tmp_path / "gateway.db", asyncio.Event()
    script = [[ADD_100, ADD_101], Say("never", pauses={0: never})]
    services, tools = await opened(path, script)
    run_id = await decided(services)
    await services.suspensions.decide("default", run_id, "abcdefgh2", APPROVED)
    async with Resuming(services):
        await model(services).asked(2)
    assert tools.log == ["add", "add"]
    await services.aclose()
    services, tools = await opened(path, ["203 in all."])
    async with Resuming(services):
        await ended(services, run_id, "completed")
    assert tools.log == []
    results = [message for message in model(services).turns[0].messages if message.role == "tool"]
    assert [message.content for message in results] == ['{"sum":101}', '{"sum":102}']
    await services.aclose()


async def test_a_run_that_waits_again_is_decided_again_wherever_that_is(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    services, _ = await opened(path, [ADD_100, ADD_101])
    run_id = await decided(services)
    async with Resuming(services):
        async with asyncio.timeout(30):
            while (await waiting(services, run_id)) != ["abcdefgh2"]:  # noqa: ASYNC110 - in the store
                await asyncio.sleep(0.01)
    await services.aclose()
    services, tools = await opened(path, ["Both."])
    await services.suspensions.decide("default", run_id, "abcdefgh2", APPROVED)
    async with Resuming(services):
        trace = await ended(services, run_id, "completed")
    assert tools.log == ["add"]
    assert [each["decision"] for each in trace["approvals"]] == ["approve", "approve"]
    await services.aclose()


async def waiting(services: Services, run_id: str) -> list[str]:
    kept = await services.suspensions.get("default", run_id)
    assert kept is not None
    return [each["call_id"] for each in kept.now_waiting() if each["decision"] is None]


async def test_a_response_in_the_background_that_went_on_has_its_whole_record(
    serve: Any, tmp_path: Path
) -> None:
    kept = await asyncio.to_thread(stores, tmp_path / "gateway.db")
    gateway = await serve([ADD_100, "It is 101."], policies=People(), **over(kept))
    body = {"input": "Go.", "background": True}
    made = (await gateway.http.post("/v1/responses", json=body)).json()
    where = f"/v1/responses/{made['id']}"
    async with asyncio.timeout(30):
        await gateway.http.get(where, params={"stream": "true"})
    assert (await gateway.http.get(where)).json()["status"] == "incomplete"
    run_id = made["gateway"]["run_id"]
    assert (await decide(gateway, run_id, decision="approve")).status_code == 200
    assert (await went_on(gateway, run_id))["answer"] == "It is 101."
    beside = await asyncio.to_thread(stores, tmp_path / "gateway.db")
    run = await beside.runs.get("default", run_id)
    assert run is not None
    assert (run.status, run.trace()["answer"]) == ("completed", "It is 101.")
    for store in beside:
        await store.aclose()


async def test_an_end_that_could_not_be_kept_is_told_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, tools = await opened(tmp_path / "gateway.db", [ADD_100, "It is 101."])
    run_id = await decided(services)
    reopen, finish = services.store.reopen, services.suspensions.finish
    logs: list[RunLog] = []

    async def reopened(request: RunRequest) -> RunLog:
        logs.append(await reopen(request))
        return logs[-1]

    async def kept_later(log: RunLog, again: Suspension | None) -> None:
        if len(logs) == 1:
            raise StorageUnavailable("away")
        await finish(log, again)

    monkeypatch.setattr(services.store, "reopen", reopened)
    monkeypatch.setattr(services.suspensions, "finish", kept_later)
    async with Resuming(services):
        await ended(services, run_id, "completed")
    assert [log.status for log in logs] == ["cancelled", "completed"]
    assert tools.log == ["add"]
    await services.aclose()


async def test_it_is_cancelled_at_another_gateway(serve: Any, tmp_path: Path) -> None:
    never, path = asyncio.Event(), tmp_path / "gateway.db"
    services, _ = await opened(path, [ADD_100, Say("never", pauses={0: never})])
    run_id = await decided(services)
    async with Resuming(services):
        await model(services).asked(2)
        idle = over(await asyncio.to_thread(stores, path))
        beside = await serve([], queue=Bounds(in_process=0), **idle)
        told = (await beside.http.post(f"/v1/runs/{run_id}/cancel")).json()
        assert told["cancelling"]
        await ended(beside.services, run_id, "cancelled")
    await services.aclose()
    again = (await beside.http.post(f"/v1/runs/{run_id}/cancel")).json()
    assert (again["status"], again["cancelling"]) == ("cancelled", False)


async def test_what_nobody_survives_is_failed_in_the_end(tmp_path: Path) -> None:
    services, tools = await opened(tmp_path / "gateway.db", [ADD_100])
    run_id = await decided(services)
    await services.suspensions.claim((), 1, Bounds())
    assert isinstance(services.durable, SqlDurableRuns)
    async with services.durable.database.write() as connection:
        await connection.execute(text("UPDATE durable_runs SET process = 'dead', losses = 10"))
    async with Resuming(services):
        await ended(services, run_id, "failed")
    run = await services.store.get("default", run_id)
    assert run is not None
    assert run.error == "11 gateways stopped over this run"
    assert tools.log == []
    await services.aclose()
