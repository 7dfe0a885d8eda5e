"""What waits for a person goes with the response or the conversation that it belongs to, and stays gone."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

from routing.backends.scripted import Call, Say
from tests.gateway.test_approvals import ADD_100, People, decide, over, stores


async def test_a_deleted_response_waits_for_nobody(serve: Any, tmp_path: Path) -> None:
    kept = await asyncio.to_thread(stores, tmp_path / "gateway.db")
    gateway = await serve([ADD_100], policies=People(), **over(kept))
    made = (await gateway.http.post("/v1/responses", json={"input": "Go."})).json()
    run_id = made["gateway"]["run_id"]
    assert await kept.suspensions.get("default", run_id) is not None
    assert (await gateway.http.delete(f"/v1/responses/{made['id']}")).status_code == 200
    assert await kept.suspensions.get("default", run_id) is None
    assert (await decide(gateway, run_id, decision="approve")).status_code == 404
    assert (await gateway.http.get(f"/v1/runs/{run_id}")).status_code == 404
    assert gateway.tools.log == []


async def test_a_run_that_went_on_does_not_come_back_after_its_conversation_was_deleted(
    serve: Any, tmp_path: Path
) -> None:
    go_on = asyncio.Event()
    again = Say("", [Call("add", {"a": 101, "b": 1}, id="abcdefgh2")], pauses={0: go_on})
    kept = await asyncio.to_thread(stores, tmp_path / "gateway.db")
    gateway = await serve([ADD_100, again], policies=People(), **over(kept))
    conversation = (await gateway.http.post("/v1/conversations", json={})).json()["id"]
    body = {"input": "Go.", "conversation": conversation}
    made = (await gateway.http.post("/v1/responses", json=body)).json()
    run_id = made["gateway"]["run_id"]
    await decide(gateway, run_id, decision="approve")
    await gateway.intermediary.asked(2)
    log = await kept.runs.get("default", run_id)
    assert log is not None
    deleted = await gateway.http.delete(f"/v1/conversations/{conversation}")
    assert deleted.status_code == 200
    go_on.set()
    async with asyncio.timeout(30), aclosing(log.follow()) as events:
        async for _ in events:  # it stops when it would write down what the model says
            pass
    assert await kept.suspensions.get("default", run_id) is None
    assert (await gateway.http.get(f"/v1/runs/{run_id}")).status_code == 404
