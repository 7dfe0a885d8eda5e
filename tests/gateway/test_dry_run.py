"""Dry runs as apps and operators ask for them: over every surface, through restarts, and told wherever runs are."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.agent.run import Limits
from gateway.agent.writes import Writes
from gateway.storage.memory_ledger import MemoryLedger
from gateway.telemetry.metrics import RunMetrics
from policies.decision import ALLOW, Decision, RequireApproval
from policies.policy import Policy, Subject
from routing.backends.scripted import Call
from tests.stage import spec
from tools.dry_run import DryRun
from tools.spec import ToolSpec, ValidCall

PAY: ToolSpec = spec("pay", {"a": {"type": "integer"}, "b": {"type": "integer"}})
CALL = Call("pay", {"a": 1, "b": 2}, id="abcdefgh1")
ADD = Call("add", {"a": 1, "b": 2}, id="abcdefgh2")
DRY: dict[str, Any] = {"gateway": {"dry_run": True}}


class People(Policy):
    """Whoever pays has to be asked, and who adds a hundred."""

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        if call.name == "pay" or call.arguments.get("a") == 100:
            return RequireApproval("money", "people")
        return ALLOW


async def started(serve: Any, *script: Any, **options: Any) -> Any:
    gateway = await serve(script, **options)
    gateway.services.registry.register(PAY, gateway.tools)
    return gateway


def made(trace: dict[str, Any]) -> list[tuple[str, bool]]:
    return [
        (call["name"], call["result"].get("dry_run", False))
        for step in trace["steps"]
        for call in step["calls"]
    ]


async def test_a_chat_is_told_what_would_have_been_done_and_its_run_is_marked(serve: Any) -> None:
    gateway = await started(serve, [ADD, CALL], "Not paid: dry.", policies=People())
    answer = (await gateway.chat(**DRY)).json()
    assert answer["choices"][0]["message"]["content"] == "Not paid: dry."
    assert answer["gateway"]["dry_run"] == "writes"
    assert gateway.tools.log == ["add"]
    trace = await gateway.ended(answer["gateway"]["run_id"])
    assert trace["request"]["dry_run"] == "writes"
    assert made(trace) == [("add", False), ("pay", True)]
    assert trace["steps"][0]["calls"][1]["approval"] == "money"
    [listed] = (await gateway.http.get("/v1/runs")).json()["data"]
    assert listed["dry_run"] == "writes"
    events = (await gateway.http.get(f"/v1/runs/{trace['id']}/events")).text
    assert '"dry_run":"writes"' in events
    assert '"dry_run":true' in events


async def test_a_real_run_says_nothing_of_it(serve: Any) -> None:
    gateway = await started(serve, CALL, "Paid.")
    answer = (await gateway.chat()).json()
    assert "dry_run" not in answer["gateway"]
    assert "dry_run" not in json.dumps(await gateway.ended(answer["gateway"]["run_id"]))
    assert gateway.tools.log == ["pay"]


async def test_a_response_is_dry_too_and_so_is_one_in_the_background(serve: Any) -> None:
    gateway = await started(serve, *([CALL, "Not paid."] * 2))
    body: dict[str, Any] = {"model": "gateway", "input": "Go.", **DRY}
    answer = (await gateway.http.post("/v1/responses", json=body)).json()
    assert answer["gateway"]["dry_run"] == "writes"
    queued = (await gateway.http.post("/v1/responses", json={**body, "background": True})).json()
    async with asyncio.timeout(10):
        await gateway.http.get(f"/v1/responses/{queued['id']}", params={"stream": "true"})
    told = (await gateway.http.get(f"/v1/responses/{queued['id']}")).json()
    assert (told["status"], told["gateway"]["dry_run"]) == ("completed", "writes")
    assert gateway.tools.log == []


async def test_all_means_reads_too(serve: Any) -> None:
    gateway = await started(serve, [ADD, CALL], "Nothing done.")
    answer = (await gateway.chat(gateway={"dry_run": "all"})).json()
    assert answer["gateway"]["dry_run"] == "all"
    assert gateway.tools.log == []


@pytest.mark.parametrize("wish", ["writes", 1, None, "yes"])
async def test_another_wish_is_refused_by_its_name(serve: Any, wish: Any) -> None:
    gateway = await started(serve)
    answer = await gateway.chat(gateway={"dry_run": wish})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "gateway.dry_run"
    body = {"arguments": {"a": 1, "b": 2}, "gateway": {"dry_run": wish}}
    invoked = await gateway.http.post("/v1/tools/pay/invoke", json=body)
    assert invoked.status_code == 400
    assert invoked.json()["error"]["param"] == "gateway.dry_run"


async def test_a_tool_is_called_dry_by_hand_and_needs_nobody_to_approve(serve: Any) -> None:
    ledger = MemoryLedger()
    gateway = await started(serve, policies=People(), writes=Writes(ledger))
    body: dict[str, Any] = {"arguments": {"a": 1, "b": 2}, **DRY}
    told = (await gateway.http.post("/v1/tools/pay/invoke", json=body)).json()
    assert told["dry_run"] is True
    content = json.loads(told["content"])
    assert content["would_send"] == {"tool": "pay", "arguments": {"a": 1, "b": 2}}
    assert content["approval"] == "money"
    assert await ledger.of_run("default", told["run_id"]) == []
    assert made(await gateway.ended(told["run_id"])) == [("pay", True)]
    assert gateway.tools.log == []
    del body["gateway"]
    refused = await gateway.http.post("/v1/tools/pay/invoke", json=body)
    assert refused.json()["error"]["code"] == "approval_required"


@pytest.mark.parametrize("options", [[], False, "", 0, {"dry": True}])
async def test_options_of_a_call_by_hand_are_an_object_of_known_names(
    serve: Any, options: Any
) -> None:
    gateway = await started(serve)
    body = {"arguments": {"a": 1, "b": 2}, "gateway": options}
    answer = await gateway.http.post("/v1/tools/pay/invoke", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith("gateway")
    assert gateway.tools.log == []


async def test_an_mcp_client_is_not_told_that_it_is_the_structure_that_the_tool_declares(
    serve: Any,
) -> None:
    gateway = await serve((), limits=Limits(dry=DryRun("writes")))
    declared = replace(PAY, returns={"type": "object", "required": ["receipt"]})
    gateway.services.registry.register(declared, gateway.tools)
    told = await over_mcp(gateway)
    assert "structuredContent" not in told
    assert told["isError"] is True  # else a client would miss the structure, and refuse the whole
    assert "Not executed" in told["content"][0]["text"]


async def over_mcp(gateway: Any, part: str = "result", **more: Any) -> dict[str, Any]:
    called = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "pay", "arguments": {"a": 1, "b": 2}, **more},
    }
    accepts = {"accept": "application/json, text/event-stream"}
    return (await gateway.http.post("/mcp", json=called, headers=accepts)).json()[part]


async def test_an_mcp_client_asks_for_a_dry_run_as_others_do(serve: Any) -> None:
    ledger = MemoryLedger()
    gateway = await started(serve, policies=People(), writes=Writes(ledger))
    told = await over_mcp(gateway, _meta={"gateway/dry_run": True})
    assert (told["isError"], told["_meta"]["gateway/dry_run"]) == (False, True)
    content = json.loads(told["content"][0]["text"])
    assert content["would_send"] == {"tool": "pay", "arguments": {"a": 1, "b": 2}}
    assert content["approval"] == "money"
    run_id = told["_meta"]["gateway/run_id"]
    assert made(await gateway.ended(run_id)) == [("pay", True)]
    assert await ledger.of_run("default", run_id) == []
    read: dict[str, Any] = {"name": "add", "_meta": {"gateway/dry_run": True}}
    assert "gateway/dry_run" not in (await over_mcp(gateway, **read))["_meta"]
    read["_meta"] = {"gateway/dry_run": "all"}
    assert (await over_mcp(gateway, **read))["_meta"]["gateway/dry_run"] is True
    assert gateway.tools.log == ["add"]
    refused = await over_mcp(gateway, _meta={"gateway/dry_run": False})
    assert "a person has to approve" in refused["content"][0]["text"]


@pytest.mark.parametrize("wish", ["yes", 1, 0, None, [], {"calls": "all"}])
async def test_an_mcp_client_that_asks_in_other_words_has_no_call_made(
    serve: Any, wish: Any
) -> None:
    gateway = await started(serve)
    error = await over_mcp(gateway, "error", _meta={"gateway/dry_run": wish})
    assert (error["code"], "true, false" in error["message"]) == (-32602, True)
    assert gateway.tools.log == []


async def test_an_mcp_client_may_ask_for_more_than_the_operator_and_not_for_less(
    serve: Any,
) -> None:
    gateway = await started(serve, limits=Limits(dry=DryRun("writes")))
    told = await over_mcp(gateway, _meta={"gateway/dry_run": False})
    assert told["_meta"]["gateway/dry_run"] is True
    assert gateway.tools.log == []


async def test_what_the_operator_wishes_holds_for_every_surface_and_can_only_be_widened(
    serve: Any,
) -> None:
    limits = Limits(dry=DryRun("writes", ("add",)))
    gateway = await started(serve, [ADD, CALL], "Nothing done.", limits=limits)
    answer = (await gateway.chat(gateway={"dry_run": False})).json()
    assert (answer["gateway"]["dry_run"], answer["gateway"]["dry_run_tools"]) == ("writes", ["add"])
    body = {"arguments": {"a": 1, "b": 2}}
    assert (await gateway.http.post("/v1/tools/pay/invoke", json=body)).json()["dry_run"]
    assert "Not executed" in (await over_mcp(gateway))["content"][0]["text"]
    assert gateway.tools.log == []


async def test_a_run_that_waits_goes_on_as_dry_as_it_began_or_as_the_operator_wishes_by_now(
    serve: Any,
) -> None:
    hundred = Call("add", {"a": 100, "b": 1}, id="abcdefgh2")
    for began, wishes_now in ((True, False), (False, True)):
        gateway = await started(serve, [hundred], CALL, "Not paid.", policies=_Adders())
        answer = (await gateway.chat(gateway={"dry_run": began})).json()
        run_id = answer["gateway"]["run_id"]
        assert answer["gateway"]["incomplete_details"]["reason"] == "approval_required"
        if wishes_now:
            object.__setattr__(gateway.services, "limits", Limits(dry=DryRun("writes")))
        path = f"/v1/runs/{run_id}/approvals/abcdefgh2"
        assert (await gateway.http.post(path, json={"decision": "approve"})).status_code == 200
        trace = await went_on(gateway, run_id)
        assert made(trace) == [("add", False), ("pay", True)]
        assert gateway.tools.log == ["add"]


async def went_on(gateway: Any, run_id: str) -> dict[str, Any]:
    for _ in range(500):
        trace = await gateway.ended(run_id)
        if trace["status"] not in ("incomplete", "running"):
            return trace
    raise AssertionError("the run did not go on")


class _Adders(Policy):
    """Who adds a hundred has to be asked."""

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        held = call.arguments.get("a") == 100
        return RequireApproval("a hundred", "people") if held else ALLOW


async def test_dry_calls_are_counted_apart_and_are_nothing_of_a_tools_time(serve: Any) -> None:
    gateway = await started(serve, [ADD, CALL], "Done.")
    metrics = RunMetrics(models={}, known_tool=lambda name: name in ("add", "pay"))
    answer = (await gateway.chat(**DRY)).json()
    log = await gateway.services.store.get("default", answer["gateway"]["run_id"])
    watch = metrics.begin(log.request)
    for event in log.events:
        watch.see(event)
    seen = metrics.instruments.registry.get_sample_value
    assert seen("gateway_dry_calls_total", {"tool": "pay"}) == 1
    assert seen("gateway_dry_calls_total", {"tool": "add"}) is None
    assert seen("gateway_tool_seconds_count", {"tool": "add"}) == 1
    assert seen("gateway_tool_seconds_count", {"tool": "pay"}) is None


def test_the_settings_reach_every_request(tmp_path: Path, monkeypatch: Any) -> None:
    from gateway.compose import build_services
    from gateway.settings import load_settings

    monkeypatch.chdir(tmp_path)
    (tmp_path / "gateway.yaml").write_text(
        "tools: {dry_run: {calls: writes, tools: ['crm_*']}}\nstorage: {url: 'memory:'}\n"
    )
    services = build_services(load_settings(tmp_path / "gateway.yaml"))
    assert services.limits.dry == DryRun("writes", ("crm_*",))
