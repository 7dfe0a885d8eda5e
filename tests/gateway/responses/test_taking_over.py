"""Responses in the background over a database: another gateway goes on with what one left."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import text

from gateway.access.principal import ANYONE
from gateway.api.responses.creation import prepare
from gateway.api.responses.live import LiveResponses
from gateway.api.responses.request import parse_request
from gateway.services import Services
from gateway.storage.durable import Bounds, Claimed
from gateway.storage.sql.durable import SqlDurableRuns
from routing.backends.scripted import Call, Say, ScriptedBackend
from tests.gateway.conftest import Tools, build
from tests.gateway.test_approvals import over as all_of
from tests.gateway.test_approvals import stores

ASKED = parse_request({"input": "Go.", "background": True, "metadata": {"of": "mine"}})


def over(path: Path, script: list[Any]) -> tuple[Services, Tools]:
    """A gateway over the database at `path`."""
    return build(script, **all_of(stores(path)))


def model(services: Services) -> ScriptedBackend:
    backend = services.models["intermediary"]
    assert isinstance(backend, ScriptedBackend)
    return backend


async def left(path: Path, script: list[Any], turns: int) -> str:
    """A response that a gateway leaves when it stops, after so many turns were begun; gives its id."""
    services, tools = await asyncio.to_thread(over, path, script)
    async with LiveResponses(services) as live:
        creation = await prepare(ASKED, services, ANYONE)
        await live.start(creation, ExitStack())
        await model(services).asked(turns)
    found = await services.responses.get("default", creation.id)
    assert found is not None
    assert found.document["status"] == "queued"
    assert tools.log == ["add"]
    await services.aclose()
    return creation.id


async def made(services: Services, response_id: str) -> dict[str, Any]:
    """The response once it is over: its stream is read to the end."""
    async with LiveResponses(services) as live:
        async for _ in live.follow("default", response_id):
            pass
    found = await services.responses.get("default", response_id)
    assert found is not None
    return dict(found.document)


async def test_the_next_gateway_goes_on_where_one_stopped(tmp_path: Path) -> None:
    path, never = tmp_path / "gateway.db", asyncio.Event()
    first = [Call("add", {"a": 1, "b": 1}), Say("never", pauses={0: never})]
    response_id = await left(path, first, turns=2)
    services, tools = await asyncio.to_thread(over, path, [Say("It is 2.")])
    document = await made(services, response_id)
    assert (document["status"], document["metadata"]) == ("completed", {"of": "mine"})
    assert document["output"][-1]["content"][0]["text"] == "It is 2."
    assert [item["type"] for item in document["output"]] == ["reasoning", "message"]
    assert tools.log == []
    [turn] = model(services).turns
    assert '"sum":2' in str(turn.messages[-1].content)
    run = await services.store.get("default", document["gateway"]["run_id"])
    assert run is not None
    assert (run.status, len(run.trace()["steps"])) == ("completed", 2)
    await services.aclose()


async def test_what_nobody_survives_is_failed_in_the_end(tmp_path: Path) -> None:
    path, never = tmp_path / "gateway.db", asyncio.Event()
    first = [Call("add", {"a": 1, "b": 1}), Say("never", pauses={0: never})]
    response_id = await left(path, first, turns=2)
    services, _ = await asyncio.to_thread(over, path, [])
    assert isinstance(services.durable, SqlDurableRuns)
    async with services.durable.database.write() as connection:
        await connection.execute(text("UPDATE durable_runs SET process = 'dead', losses = 10"))
    document = await made(services, response_id)
    assert document["status"] == "failed"
    run = await services.store.get("default", document["gateway"]["run_id"])
    assert run is not None
    assert (run.status, run.error) == ("failed", "11 gateways stopped over this run")
    await services.aclose()


async def test_what_is_put_while_the_queue_is_looked_at_is_done_once(tmp_path: Path) -> None:
    """What is put belongs to this process at once, so that a look that had begun before takes it for left."""
    never = asyncio.Event()
    script = [Say("never", pauses={0: never})]
    services, _ = await asyncio.to_thread(over, tmp_path / "gateway.db", script)
    durable = services.durable
    assert isinstance(durable, SqlDurableRuns)
    looked, took, claim = asyncio.Event(), asyncio.Event(), durable.claim
    found = list[Claimed]()

    async def later(going: Collection[str], most: int, bounds: Bounds) -> Sequence[Claimed]:
        if looked.is_set():
            took.set()
            return ()
        looked.set()
        await model(services).asked()
        found.extend(await claim(going, most, bounds))
        return found

    with patch.object(durable, "claim", later):
        async with LiveResponses(services) as live:
            await looked.wait()
            creation = await prepare(ASKED, services, ANYONE)
            await live.start(creation, ExitStack())
            await took.wait()
            never.set()
    assert [each.run_id for each in found] == [creation.run.run_id]
    assert len(model(services).turns) == 1
    await services.aclose()
