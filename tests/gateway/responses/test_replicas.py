"""What one gateway does in the background, as another over the same database tells it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from routing.backends.scripted import Say
from tests.gateway.test_approvals import over, stores


async def test_a_response_that_another_gateway_makes_is_in_progress_here(
    serve: Any, tmp_path: Path
) -> None:
    go, path = asyncio.Event(), tmp_path / "gateway.db"
    makes = await serve(
        [Say("It is noon.", pauses={0: go})], **over(await asyncio.to_thread(stores, path))
    )
    made = (
        await makes.http.post("/v1/responses", json={"input": "Go.", "background": True})
    ).json()
    await makes.intermediary.asked()
    watches = await serve([], **over(await asyncio.to_thread(stores, path)))
    where = f"/v1/responses/{made['id']}"
    assert (await watches.http.get(where)).json() == {**made, "status": "in_progress"}
    go.set()
    async with asyncio.timeout(30):
        await watches.http.get(where, params={"stream": "true"})
    assert (await watches.http.get(where)).json()["status"] == "completed"
