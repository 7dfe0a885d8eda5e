"""A real Prometheus beside a gateway: it scrapes it, every panel has figures, every rule is evaluated."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx
import yaml
from aiohttp import web
from mistral_common.protocol.instruct.messages import ToolMessage

from gateway.agent.loop import AgentLoop
from gateway.agent.till import Till
from gateway.app import create_app
from gateway.budgets import Budget
from gateway.services import Services
from gateway.storage.memory_accounts import MemoryAccountStore
from gateway.storage.schedules import ScheduleBounds
from gateway.telemetry.metrics import RunMetrics
from gateway.telemetry.telemetry import Telemetry
from routing.backend import Turn
from routing.backends.scripted import Answer, Call, Say, ScriptedBackend
from routing.errors import BackendUnavailable
from routing.router import Member, Price, Router
from routing.switch import Load
from routing.tiers import Sight, Tier, Tiered
from tests.gateway.conftest import listening
from tests.peers import free_port, program, running
from tools.registry import Registry

DEPLOY = Path(__file__).parents[2] / "deploy"
PATIENCE_S = 30.0
WINDOW = "10s"
"""In place of Grafana's `$__rate_interval`, which is some scrapes long."""

SAYINGS: dict[str, Answer] = {
    "Add.": Call("add", {"a": 2, "b": 3}),
    "Add with bad luck.": Call("add", {"a": 13, "b": 1}),
    "Add words.": Call("add", {"a": "two", "b": 1}),
    "Break.": BackendUnavailable("down"),
    "Talk for too long.": Say("And", finish_reason="length"),
}


def say(turn: Turn) -> Answer:
    """By the request's text; what a tool brought is answered."""
    last = turn.messages[-1]
    return "That was it." if isinstance(last, ToolMessage) else SAYINGS[str(last.content)]


class Engine:
    """What vLLM tells of its load; a request more has waited whenever it is asked."""

    def __init__(self) -> None:
        self.waited = 0

    async def tell(self, _request: web.Request) -> web.Response:
        self.waited += 1
        name = "vllm:request_queue_time_seconds"
        lines = [f"# TYPE {name} histogram"]
        lines += [f'{name}_bucket{{le="{le}"}} {self.waited}' for le in ("0.3", "0.5", "+Inf")]
        gauges = ("kv_cache_usage_perc", "num_requests_running", "num_requests_waiting")
        lines += [f'vllm:{gauge}{{engine="0"}} 0.25' for gauge in gauges]
        return web.Response(text="\n".join([*lines, ""]))


@asynccontextmanager
async def engine() -> AsyncGenerator[str]:
    """An engine's `/metrics`; gives its address as `host:port`."""
    app = web.Application()
    app.add_routes([web.get("/metrics", Engine().tell)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


def watched(tools: Registry) -> Services:
    """A gateway with an expert, a budget and two tiers whose metrics are on."""
    small = ScriptedBackend(repeat(say), name="small", model="small")
    large = ScriptedBackend(repeat("Expert here."), name="large", model="large")
    models = {"intermediary": small, "expert": large}
    metrics = RunMetrics(
        models={role: model.model for role, model in models.items()},
        known_tool=lambda name: name in tools.snapshot(),
        slots={"intermediary": 2},
    )
    telemetry = Telemetry(metrics)
    till = Till(MemoryAccountStore(), [Budget("all", 1.0, every="ever")], telemetry.budgets)
    telemetry.see_tiers([Sight("gpu", Load(0.5, 0.1), full=True, running=1, waiting=1)])
    both = Tiered(Tier("gpu", small), Tier("cpu", small))
    router = Router(Member(both, Price(1.0, 2.0)), Member(large, Price(2.0, 6.0)))
    loop = AgentLoop(router, tools, till=till)
    return Services(
        loop=telemetry.watched(loop),
        registry=tools,
        models=models,
        till=till,
        telemetry=telemetry,
        schedule_bounds=ScheduleBounds(min_interval_s=1.0),
    )


def configuration(targets: dict[str, str]) -> str:
    """The deployed one, at a quicker pace, with the jobs' targets here."""
    whole = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    whole["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    whole["rule_files"] = [str(DEPLOY / "prometheus" / name) for name in whole["rule_files"]]
    for job in whole["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [targets.pop(job["job_name"])]}]
    assert not targets
    return yaml.safe_dump(whole)


async def ask(gateway: httpx.AsyncClient) -> None:
    """A request of every kind that there are figures of."""

    async def chat(text: str, expected: int = 200, **body: Any) -> None:
        whole = {"model": "gateway", "messages": [{"role": "user", "content": text}], **body}
        answer = await gateway.post("/v1/chat/completions", json=whole)
        assert answer.status_code == expected, answer.text

    for text in SAYINGS:
        await chat(text)
    await chat("Add.", gateway={"dry_run": "all"})
    await chat("Break.", 503, model="intermediary")
    await chat("Add.", 429, max_tokens=900_000)  # the budget has not that much


def exprs() -> dict[str, str]:
    """What panels ask, and rules without what they compare it with, by panel or rule."""
    found = dict[str, str]()
    board = json.loads((DEPLOY / "grafana/dashboards/gateway.json").read_text(encoding="utf-8"))
    for panel in board["panels"]:
        for number, target in enumerate(panel.get("targets", ())):
            expr = target["expr"].replace("$__rate_interval", WINDOW).replace("$instance", ".*")
            found[f"{panel['title']} {number}"] = expr
    [group] = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]:
        expr = re.sub(r"\s(>|==)\s[\d.e]+", "", rule["expr"])
        assert expr != rule["expr"], rule["alert"]
        found[rule["alert"]] = re.sub(r"\[\d+[mh]\]", f"[{WINDOW}]", expr)
    return found


async def without_figures(prometheus: httpx.AsyncClient, asked: dict[str, str]) -> dict[str, str]:
    """The queries that bring nothing, or nothing but NaN."""
    empty = dict[str, str]()
    for title, expr in asked.items():
        answer = await prometheus.get("/api/v1/query", params={"query": expr})
        assert answer.status_code == 200, f"{title}: {answer.text}"
        samples = answer.json()["data"]["result"]
        if all(math.isnan(float(sample["value"][1])) for sample in samples):
            empty[title] = expr
    return empty


async def alerting(prometheus: httpx.AsyncClient) -> list[dict[str, Any]]:
    groups = (await prometheus.get("/api/v1/rules")).json()["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


async def test_a_real_prometheus_has_figures_for_every_panel_and_evaluates_every_rule(
    tools: Registry, tmp_path: Path
) -> None:
    command = [program("prometheus"), "--log.level=warn", "--storage.tsdb.path", tmp_path / "data"]
    address, file = f"127.0.0.1:{free_port()}", tmp_path / "prometheus.yml"
    log = tmp_path / "prometheus.log"
    command += ["--web.listen-address", address, "--config.file", file]
    services = watched(tools)
    assert services.telemetry is not None
    async with (
        listening(create_app(services), "on") as url,
        engine() as vllm,
        httpx.AsyncClient(base_url=url, verify=False) as gateway,
        httpx.AsyncClient(base_url=f"http://{address}", verify=False) as prometheus,
    ):
        file.write_text(configuration({"gateway": url.removeprefix("http://"), "vllm": vllm}))
        scheduled = {"when": {"every_s": 1.0}, "request": {"input": "Add."}}
        made = await gateway.post("/v1/schedules", json=scheduled)
        assert made.is_success, made.text
        with running(command, log):
            empty, told = exprs(), list[dict[str, Any]]()
            deadline = time.monotonic() + PATIENCE_S
            while empty or not told or any(rule["health"] != "ok" for rule in told):
                assert time.monotonic() < deadline, (empty, told, log.read_text())
                await ask(gateway)
                services.telemetry.without_embeddings("timeout")
                try:
                    empty = await without_figures(prometheus, empty)
                    told = await alerting(prometheus)
                except httpx.TransportError:  # it is starting
                    await asyncio.sleep(0.1)
            targets = (await prometheus.get("/api/v1/targets")).json()["data"]["activeTargets"]
    assert {target["labels"]["job"]: target["health"] for target in targets} == {
        "gateway": "up",
        "vllm": "up",
    }
    assert {rule["name"] for rule in told} & exprs().keys() == {rule["name"] for rule in told}
    assert len(told) >= 10
    assert "level=error" not in log.read_text(encoding="utf-8")
