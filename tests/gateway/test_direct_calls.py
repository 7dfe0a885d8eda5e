"""Calls without a model, by `invoke` and by MCP: recorded, bounded and kept apart as runs are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from policies.decision import ALLOW, Decision, Deny, RequireApproval
from policies.policy import Policy, Subject
from tests.gateway.access.doors import bearer, doors
from tools.executor import CallContext
from tools.spec import ToolResult, ToolSpec, ValidCall

ACCEPT = {"accept": "application/json, text/event-stream"}
WAYS = pytest.mark.parametrize("way", ["invoke", "mcp"])


async def call(gateway: Any, way: str, name: str = "add", **arguments: Any) -> Any:
    """A call over REST or over MCP; what it answered."""
    headers = arguments.pop("headers", {})
    if way == "invoke":
        body = {"arguments": arguments}
        return await gateway.http.post(f"/v1/tools/{name}/invoke", json=body, headers=headers)
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }
    return await gateway.http.post("/mcp", json=body, headers={**ACCEPT, **headers})


def run_id(way: str, answer: Any) -> str:
    """Which run the answer says that it is."""
    told = answer.json()
    return told["run_id"] if way == "invoke" else told["result"]["_meta"]["gateway/run_id"]


class Rules(Policy):
    """Denies 1, holds 2, and masks every result."""

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        match call.arguments:
            case {"a": 1}:
                return Deny("ones are not added here", "ones")
            case {"a": 2}:
                return RequireApproval("twos are for adults", "twos")
            case _:
                return ALLOW

    def on_result(self, subject: Subject, call: ValidCall, result: ToolResult) -> ToolResult:
        return ToolResult(result.call_id, result.name, "[masked]")


@WAYS
async def test_it_is_a_run_of_one_turn_that_the_app_took(serve: Any, way: str) -> None:
    gateway = await serve()
    trace = await gateway.ended(run_id(way, await call(gateway, way, a="17", b=25)))
    assert (trace["status"], trace["model"]) == ("completed", "none")
    assert trace["request"]["messages"] == []
    [turn] = trace["steps"]
    assert (turn["role"], turn["model"], turn["usage"]["total_tokens"]) == ("app", "", 0)
    [made] = turn["calls"]
    assert (made["name"], made["arguments"]) == ("add", {"a": 17, "b": 25})
    assert made["repairs"]
    assert made["result"]["content"] == '{"sum":42}'
    [listed] = (await gateway.http.get("/v1/runs")).json()["data"]
    assert (listed["id"], listed["tools"], listed["turns"]) == (trace["id"], ["add"], 1)


@WAYS
@pytest.mark.parametrize(
    ("a", "status", "why"),
    [(1, "denied", "denied"), (2, "incomplete", "approval_required"), ("x", "incomplete", "invalid_call")],
)  # fmt: skip
async def test_what_was_not_run_is_recorded_with_the_reason(
    serve: Any, way: str, a: Any, status: str, why: str
) -> None:
    gateway = await serve(policies=Rules())
    await call(gateway, way, a=a, b=1)
    trace = await gateway.ended(await gateway.newest_run())
    assert (trace["status"], trace["incomplete_details"]["reason"]) == (status, why)
    [turn] = trace["steps"]
    assert turn["calls"] == []
    assert turn["refused"][0]["name"] == "add"
    assert gateway.tools.log == []


@WAYS
async def test_the_record_holds_the_result_as_the_rules_left_it(serve: Any, way: str) -> None:
    gateway = await serve(policies=Rules())
    answer = await call(gateway, way, a=3, b=4)
    events = (await gateway.http.get(f"/v1/runs/{run_id(way, answer)}/events")).text
    assert "[masked]" in events
    assert '"sum' not in events


@WAYS
async def test_a_write_stands_in_the_ledger_under_its_run(serve: Any, way: str) -> None:
    seen: list[CallContext] = []

    class Write:
        async def execute(self, call: ValidCall, context: CallContext) -> Any:
            seen.append(context)
            return "written"

    gateway = await serve()
    parameters = {"type": "object", "properties": {}}
    gateway.services.registry.register(ToolSpec("write", "Writes.", parameters), Write())
    run = run_id(way, await call(gateway, way, "write"))
    [effect] = (await gateway.http.get(f"/v1/runs/{run}/effects")).json()["data"]
    assert (effect["name"], effect["state"]) == ("write", "done")
    assert seen[0].idempotency_key.startswith(f"{run}:1:")


@WAYS
async def test_it_can_be_cancelled_while_it_goes(serve: Any, way: str) -> None:
    gateway = await serve()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(call(gateway, way, "wait"))
        await gateway.tools.waiting.wait()
        run = await gateway.newest_run()
        assert (await gateway.run(run))["status"] == "running"
        assert (await gateway.http.post(f"/v1/runs/{run}/cancel")).status_code == 200
    assert gateway.tools.cut.is_set()
    assert (await gateway.ended(run))["status"] == "cancelled"
    assert waiting.result().status_code < 500


@WAYS
async def test_no_tenant_sees_anothers(serve: Any, way: str) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    owner, other = bearer(await made.key(tenant="a")), bearer(await made.key("operator", "b"))
    run = run_id(way, await call(gateway, way, a=1, b=2, headers=owner))
    assert (await gateway.http.get(f"/v1/runs/{run}", headers=owner)).status_code == 200
    assert (await gateway.http.get(f"/v1/runs/{run}", headers=other)).status_code == 404
    assert (await gateway.http.get("/v1/runs", headers=other)).json()["data"] == []
