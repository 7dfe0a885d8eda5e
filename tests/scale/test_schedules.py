"""Two gateways as processes of their own over one PostgreSQL: each time of a schedule comes once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.scale.replicas import NAMES, Replicas

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEDULES = 3


async def runs(client: httpx.AsyncClient, schedule_id: str) -> list[dict[str, Any]]:
    """The oldest first."""
    answer = await client.get(f"/v1/schedules/{schedule_id}/runs", params={"limit": 100})
    return list(reversed(answer.json()["data"]))


async def until(client: httpx.AsyncClient, ids: list[str], count: int) -> None:
    async with asyncio.timeout(120):
        for each in ids:
            told = await runs(client, each)
            while len(told) < count:
                await asyncio.sleep(0.2)
                told = await runs(client, each)


async def test_each_time_comes_once_though_both_look_and_one_is_killed(replicas: Replicas) -> None:
    first, second = (replicas.replicas[name] for name in NAMES)
    replicas.model.pace_s = 0.0
    body = {
        "when": {"every_s": 1.0},
        "missed": "all",
        "overlap": "queue",
        "request": {"input": "Go."},
    }
    ids = [(await first.post("/v1/schedules", json=body)).json()["id"] for _ in range(SCHEDULES)]
    await until(second, ids, 3)
    replicas.kill(NAMES[0])
    await until(second, ids, 6)
    for each in ids:
        assert (await second.post(f"/v1/schedules/{each}/pause")).status_code == 200
    begun = set[str]()
    for each in ids:
        made = (await second.get(f"/v1/schedules/{each}")).json()
        told = await runs(second, each)
        assert [run["number"] for run in told] == list(range(1, made["fires"] + 1))
        due = [round(run["due_at"] - made["created_at"]) for run in told]
        assert due == list(range(1, made["fires"] + 1))  # none lost, none twice
        assert {run["outcome"] for run in told} == {"started"}
        begun |= {run["run_id"] for run in told}
    async with asyncio.timeout(120):
        kept = [run for each in ids for run in await runs(second, each)]
        while {run["status"] for run in kept} != {"completed"}:
            await asyncio.sleep(0.5)  # what the killed one had begun is gone on with
            kept = [run for each in ids for run in await runs(second, each)]
    assert len(begun) == len(kept)
    listed = [
        run["id"] for run in (await second.get("/v1/runs", params={"limit": 100})).json()["data"]
    ]
    assert sorted(listed) == sorted(begun)  # nothing else ran
