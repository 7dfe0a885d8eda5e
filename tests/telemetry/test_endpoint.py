"""`GET /metrics` of a whole application, and what its middleware counts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.agent.loop import AgentLoop
from gateway.app import create_app
from gateway.services import Services
from gateway.storage.errors import StorageUnavailable
from gateway.storage.memory import MemoryRunStore
from gateway.storage.memory_suspensions import MemorySuspensionStore
from gateway.storage.runs import RunLog
from gateway.storage.suspensions import Suspension
from gateway.storage.waiting import Waiting
from gateway.telemetry.metrics import RunMetrics
from gateway.telemetry.telemetry import Telemetry, surface
from routing.backends.scripted import ScriptedBackend
from routing.router import Member, Price, Router
from tools.registry import Registry


@asynccontextmanager
async def client(
    telemetry: Telemetry | None, tools: Registry, **stores: Any
) -> AsyncGenerator[httpx.AsyncClient]:
    small = ScriptedBackend(["Hi."], name="small", model="small")
    loop = AgentLoop(Router(Member(small, Price(1.0, 1.0)), None), tools)
    app = create_app(
        Services(
            loop=telemetry.watched(loop) if telemetry else loop,
            registry=tools,
            models={"intermediary": small},
            telemetry=telemetry,
            **stores,
        )
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http,
    ):
        yield http


async def test_requests_are_counted_by_surface_and_status(
    metrics: RunMetrics, tools: Registry
) -> None:
    async with client(Telemetry(metrics), tools) as http:
        asked = {"model": "gateway", "messages": [{"role": "user", "content": "Hi"}]}
        assert (await http.post("/v1/chat/completions", json=asked)).status_code == 200
        await http.get("/v1/tools/no_such_tool")
        await http.get("/made/up/by/a/scanner")
        told = await http.get("/metrics")
    assert told.status_code == 200
    assert told.headers["content-type"].startswith("text/plain")
    lines = told.text.splitlines()
    assert 'gateway_requests_total{status="200",surface="chat"} 1.0' in lines
    assert 'gateway_requests_total{status="404",surface="tools"} 1.0' in lines
    assert 'gateway_requests_total{status="404",surface="other"} 1.0' in lines
    assert 'gateway_runs_total{role="gateway",stop="answer"} 1.0' in lines
    assert "gateway_workers 1.0" in lines
    if sys.platform == "linux":
        assert any(line.startswith("gateway_resident_memory_bytes ") for line in lines)
    assert not any("_created" in line for line in lines)


class Broken(MemoryRunStore):
    """One that fails as nobody foresaw."""

    async def get(self, tenant: str, run_id: str) -> RunLog | None:
        raise ValueError("odd")


async def test_an_answer_to_what_nobody_foresaw_is_counted_once(
    metrics: RunMetrics, tools: Registry
) -> None:
    async with client(Telemetry(metrics), tools, store=Broken()) as http:
        assert (await http.get("/v1/runs/run_1")).status_code == 500
        lines = (await http.get("/metrics")).text.splitlines()
    assert 'gateway_requests_total{status="500",surface="runs"} 1.0' in lines


async def test_what_waits_in_the_stores_is_told_when_it_is_asked_for(
    metrics: RunMetrics, tools: Registry
) -> None:
    waits = MemorySuspensionStore()
    held = Suspension("a", "run_1", 1, time.time() - 60, time.time() + 60, (), {})
    await waits.put(held)
    async with client(Telemetry(metrics), tools, suspensions=waits) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    assert 'gateway_backlog{of="approvals"} 1.0' in lines
    [told] = [one for one in lines if one.startswith('gateway_backlog_oldest_seconds{of="appr')]
    assert 60 <= float(told.split()[1]) < 120
    for kind in ("background", "schedules", "effects"):
        assert f'gateway_backlog{{of="{kind}"}} 0.0' in lines
        assert f'gateway_backlog_oldest_seconds{{of="{kind}"}} 0.0' in lines


class Silent(MemorySuspensionStore):
    """One that does not answer."""

    async def waiting(self) -> Waiting:
        raise StorageUnavailable("it is away")


async def test_what_is_not_known_to_wait_is_no_number_and_the_rest_is_told(
    metrics: RunMetrics, tools: Registry
) -> None:
    async with client(Telemetry(metrics), tools, suspensions=Silent()) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    assert 'gateway_backlog{of="approvals"} NaN' in lines
    assert 'gateway_backlog_oldest_seconds{of="effects"} NaN' in lines
    assert "gateway_workers 1.0" in lines


@pytest.mark.parametrize("telemetry", [None, Telemetry()])
async def test_metrics_that_are_off_are_not_there(
    telemetry: Telemetry | None, tools: Registry
) -> None:
    async with client(telemetry, tools) as http:
        assert (await http.get("/metrics")).status_code == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/chat/completions", "chat"),
        ("/v1/responses/resp_1/cancel", "responses"),
        ("/readyz", "health"),
        ("/mcp", "mcp"),
        ("/", ""),
    ],
)
def test_a_path_belongs_to_a_surface(path: str, expected: str) -> None:
    assert surface(path) == expected


_WORKER = """
import sys
from gateway.telemetry.metrics import RunMetrics
from gateway.telemetry.workers import exposition
made = RunMetrics(models={"intermediary": "small"}, known_tool=lambda name: True)
made.runs("gateway", "answer").inc()
made.instruments.runs_in_flight.inc()
if len(sys.argv) > 1:
    sys.stdout.write(exposition(made.instruments.registry).decode())
"""


def test_whichever_worker_is_asked_answers_for_all_and_forgets_what_was_in_flight_in_dead_ones(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for last in ([], ["tell"]):
        done = subprocess.run(
            [sys.executable, "-c", _WORKER, *last],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            cwd=Path(__file__).parents[2],
        )
    lines = done.stdout.splitlines()
    assert 'gateway_runs_total{role="gateway",stop="answer"} 2.0' in lines
    assert "gateway_runs_in_flight 1.0" in lines
    assert "gateway_workers 1.0" in lines
