"""Two tiers of engines behind a whole gateway, over real sockets: what can wait leaves a loaded one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.cli import doctor
from gateway.compose import build_application, build_services
from gateway.priorities import Priorities, PriorityRule
from gateway.settings import SettingsError, load_settings
from tests.gateway.conftest import listening
from tests.routing.openai_stub import Reply, Stub, running

CONFIG = """\
models:
  intermediary:
    {{backend: vllm, model: m, base_url: '{gpu}', priority_scheduling: true, context_tokens: 8192}}
tiers:
  turns: 4
  dwell_s: 0
  read_every_s: 0.05
  overflow:
    {{name: cpu, turns: 2, model: {{backend: vllm, model: m, base_url: '{cpu}', context_tokens: 8192}}}}
tools: {{python: [], notes_path: '{folder}/notes.db'}}
storage: {{url: 'memory:'}}
"""


def metrics(kv_cache: float) -> str:
    return (
        f'vllm:num_requests_running{{engine="0"}} 1\nvllm:num_requests_waiting{{engine="0"}} 0\n'
        f'vllm:kv_cache_usage_perc{{engine="0"}} {kv_cache}\n'
    )


@dataclass
class Served:
    """A gateway over two scripted engines."""

    gpu: Stub
    cpu: Stub
    http: httpx.AsyncClient

    async def load(self, kv_cache: float) -> None:
        """The first tier's engine tells this load, and was read twice: then the first is known."""
        self.gpu.metrics = metrics(kv_cache)
        await self.gpu.reads(2)

    async def chat(self, **body: Any) -> dict[str, Any]:
        messages = [{"role": "user", "content": "Go."}]
        whole = {"model": "gateway", "messages": messages, **body}
        answer = await self.http.post("/v1/chat/completions", json=whole)
        assert answer.status_code == 200, answer.text
        return answer.json()["gateway"]


@asynccontextmanager
async def serving(folder: Path, more: str = "", config: str = CONFIG) -> AsyncGenerator[Served]:
    async with AsyncExitStack() as stack:
        gpu = await stack.enter_async_context(running(Reply()))
        cpu = await stack.enter_async_context(running(Reply()))
        gpu.metrics = cpu.metrics = metrics(0)
        path = folder / "gateway.yaml"
        path.write_text(config.format(gpu=gpu.url, cpu=cpu.url, folder=folder) + more)
        application = build_application(build_services(load_settings(path, environ={})))
        url = await stack.enter_async_context(listening(application, "on"))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, verify=False))
        yield Served(gpu, cpu, http)


async def test_flexible_requests_leave_a_loaded_tier_and_the_rest_stays(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        await served.load(0.5)
        assert (await served.chat(service_tier="flex"))["tiers"] == ["gpu"]
        await served.load(0.9)
        receipt = await served.chat(service_tier="flex")
        assert receipt["tiers"] == ["cpu"]
        [step] = (await served.http.get(f"/v1/runs/{receipt['run_id']}")).json()["steps"]
        assert (step["tier"], step["tier_reason"]) == ("cpu", "full")
        for body in ({}, {"service_tier": "priority"}, {"gateway": {"priority": "high"}}):
            assert (await served.chat(**body))["tiers"] == ["gpu"]
        told = (await served.http.get("/metrics")).text
        assert 'gateway_tier_full{tier="gpu"} 1.0' in told
        assert 'gateway_tier_kv_cache_ratio{tier="gpu"} 0.9' in told
        assert 'gateway_tier_turns_total{priority="low",tier="cpu",why="full"} 1.0' in told
        await served.load(0.1)
        assert (await served.chat(gateway={"priority": "low"}))["tiers"] == ["gpu"]


PRICED = """\
models:
  intermediary:
    {{backend: vllm, model: m, base_url: '{gpu}', context_tokens: 8192,
      price: {{input_per_million: 100, output_per_million: 200}}}}
tiers:
  turns: 4
  dwell_s: 0
  read_every_s: 0.05
  overflow:
    name: cpu
    model: {{backend: vllm, model: m-q4, base_url: '{cpu}', context_tokens: 8192,
             price: {{input_per_million: 10, output_per_million: 20}}}}
budgets: [{{name: all, usd: 1, per: all, every: ever}}]
tools: {{python: [], notes_path: '{folder}/notes.db'}}
storage: {{url: 'memory:'}}
"""


async def test_each_tier_is_paid_at_its_own_price_in_the_answer_the_trace_budgets_and_metrics(
    tmp_path: Path,
) -> None:
    dear, cheap = (7 * 100 + 3 * 200) / 1e6, (7 * 10 + 3 * 20) / 1e6
    async with serving(tmp_path, config=PRICED) as served:
        await served.load(0.9)
        here, there = await served.chat(), await served.chat(service_tier="flex")
        assert (here["tiers"], there["tiers"]) == (["gpu"], ["cpu"])
        assert here["cost_usd"] == pytest.approx(dear)
        assert there["cost_usd"] == pytest.approx(cheap)
        [step] = (await served.http.get(f"/v1/runs/{there['run_id']}")).json()["steps"]
        assert (step["model"], step["cost_usd"]) == ("m-q4", pytest.approx(cheap))
        [budget] = (await served.http.get("/v1/budgets")).json()["data"]
        assert budget["spent_usd"] == pytest.approx(dear + cheap)
        assert budget["reserved_usd"] == 0
        told = (await served.http.get("/metrics")).text
        for model, cost in (("m", dear), ("m-q4", cheap)):
            label = f'{{model="{model}",role="intermediary"}}'
            [line] = [
                each
                for each in told.splitlines()
                if each.startswith(f"gateway_cost_usd_total{label}")
            ]
            assert float(line.split()[-1]) == pytest.approx(cost)


async def test_responses_know_priorities_too(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        await served.load(0.9)
        body = {"input": "Go.", "service_tier": "flex"}
        answer = (await served.http.post("/v1/responses", json=body)).json()
        assert answer["gateway"]["tiers"] == ["cpu"]
        assert answer["service_tier"] == "flex"


async def test_vllm_is_told_the_priority_where_it_schedules_by_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        for tier in ("flex", "default", "priority"):
            await served.chat(service_tier=tier)
        assert [each.get("priority") for each in served.gpu.requests] == [1, None, -1]
        await served.load(0.9)
        await served.chat(service_tier="flex")
        assert "priority" not in served.cpu.requests[-1]


async def test_what_a_key_may_not_is_granted_as_what_it_may(tmp_path: Path) -> None:
    more = "priorities: [{tenants: [default], most: low}]\n"
    async with serving(tmp_path, more) as served:
        await served.load(0.9)
        receipt = await served.chat(service_tier="priority")
        assert receipt["tiers"] == ["cpu"]
        run = (await served.http.get(f"/v1/runs/{receipt['run_id']}")).json()
        assert run["request"]["priority"] == "low"


async def test_a_tier_that_can_not_be_reached_is_replaced_by_the_other(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        served.gpu.replies = [Reply((b"{}",), status=500)]
        receipt = await served.chat()
        assert receipt["tiers"] == ["cpu"]


@pytest.mark.parametrize("body", [{"service_tier": "slow"}, {"gateway": {"priority": "urgent"}}])
async def test_an_unknown_priority_is_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    async with serving(tmp_path) as served:
        messages = [{"role": "user", "content": "Go."}]
        whole = {"model": "gateway", "messages": messages, **body}
        answer = await served.http.post("/v1/chat/completions", json=whole)
        assert answer.status_code == 400


def test_the_first_rule_that_is_for_somebody_counts() -> None:
    rules = Priorities(
        (
            PriorityRule("low", "low", keys=("batch-*",)),
            PriorityRule("normal", "low", tenants=("free",)),
        )
    )
    assert rules.granted("high", "free", "batch-1") == "low"
    assert rules.granted("high", "free", "app") == "normal"
    assert rules.granted(None, "free", "app") == "low"
    assert rules.granted(None, "paid", "app") == "normal"
    assert rules.granted("high", "paid", "app") == "high"


@pytest.mark.parametrize(
    ("tiers", "problem"),
    [
        ("room: 0.9", "no_hysteresis|`room` may not be above"),
        ("stale_s: 1", "longer than `read_every_s`"),
        (
            "name: cpu, overflow: {model: {backend: llamacpp, model: m}}",
            "names that differ",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, tiers: str, problem: str) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(f"tiers: {{{tiers}}}")
    with pytest.raises(SettingsError, match=problem):
        load_settings(path, environ={})


def test_the_doctor_tells_the_tiers_and_which_engines_do_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    nobody = "http://127.0.0.1:9/v1"
    path.write_text(CONFIG.format(gpu=nobody, cpu=nobody, folder=tmp_path))
    found = {each.what: each for each in doctor.examine(path, 0)}
    assert found["tiers"].well
    assert found["tiers"].told.startswith(
        "gpu (vllm, 4 turns at once), full at 80% or 1 s of queue"
    )
    assert "does not answer" in found["intermediary"].told
    assert "does not answer" in found["overflow"].told


def test_the_doctor_says_when_a_tier_could_never_be_full(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("tiers: {overflow: {model: {backend: llamacpp, model: nowhere.gguf}}}")
    found = {each.what: each for each in doctor.examine(path, 0)}
    assert not found["tiers"].well
    assert "tiers.turns" in found["tiers"].mend
