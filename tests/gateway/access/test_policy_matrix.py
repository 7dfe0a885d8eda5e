"""Roles × actions × tools × tenants through the surfaces themselves, against a table that a person can read.

Each cell is asked as an app asks it: with a key of the role and tenant, over REST, MCP or a model's call.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import product, repeat
from pathlib import Path
from typing import Any

from gateway.access.audit import AuditLog
from gateway.access.audited import AuditedPolicies
from gateway.access.principal import ROLES
from gateway.storage.suspensions import Suspension
from policies.cedar.access import CedarAccess
from policies.cedar.reloading import ReloadedSet
from routing.backend import Turn
from routing.backends.scripted import Answer, Call
from tests.gateway.access.doors import bearer, doors
from tests.gateway.conftest import Gateway, Serve
from tests.stage import spec
from tools.executor import CallContext
from tools.spec import ValidCall

POLICIES = """
@id("use") permit (principal, action in [Action::"offer", Action::"call"], resource)
  when { principal.tenant == "a" || resource.effect == "read" };
@id("expert") permit (principal in Tenant::"a", action == Action::"escalate", resource);
@id("register") permit (principal in Role::"author", action == Action::"register", resource)
  unless { resource.effect == "destroy" };
@id("approve") permit (principal in Role::"operator", action == Action::"approve", resource)
  when { principal.tenant == "a" || resource.name != "wipe" };
@id("destroying") @approval("it destroys")
permit (principal, action == Action::"call", resource) when { resource.effect == "destroy" };
@id("never") @reason("secret is never used")
forbid (principal, action, resource == Tool::"secret");
"""
TOOLS = {
    "look": {"read_only": True},
    "save": {"idempotent": True},
    "wipe": {"destructive": True},
    "secret": {"read_only": True},
}
TENANTS = ("a", "b")
# tenant a, tenant b; in each look, save, wipe, secret. A allow, P a person has to agree, - no
TABLE = {
    ("offer to the model", "app"): "AAA- A---",
    ("offer to the model", "author"): "AAA- A---",
    ("offer to the model", "operator"): "AAA- A---",
    ("offer over MCP", "app"): "AAA- A---",
    ("offer over MCP", "author"): "AAA- A---",
    ("offer over MCP", "operator"): "AAA- A---",
    ("call by the model", "app"): "AAP- A---",
    ("call by the model", "author"): "AAP- A---",
    ("call by the model", "operator"): "AAP- A---",
    ("call over REST", "app"): "AAP- A-P-",
    ("call over REST", "author"): "AAP- A-P-",
    ("call over REST", "operator"): "AAP- A-P-",
    ("call over MCP", "app"): "AA-- A---",
    ("call over MCP", "author"): "AA-- A---",
    ("call over MCP", "operator"): "AA-- A---",
    ("register", "app"): "---- ----",
    ("register", "author"): "AA-- AA--",
    ("register", "operator"): "AA-- AA--",
    ("remove", "app"): "---- ----",
    ("remove", "author"): "AA-- AA--",
    ("remove", "operator"): "AA-- AA--",
    ("approve", "app"): "---- ----",
    ("approve", "author"): "---- ----",
    ("approve", "operator"): "AAA- AA--",
}
EXPERT = {"app": "A-", "author": "A-", "operator": "A-"}


class Runs:
    """Every tool; what ran is told by its name."""

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        return {"ran": call.name}


def obedient(turn: Turn) -> Answer:
    """Calls the tool that the last message names; after its result, says what it read."""
    last = turn.messages[-1]
    return Call(str(last.content)) if last.role == "user" else str(last.content)


@dataclass
class Stage:
    """A gateway with policies, and what an answer of each surface means."""

    gateway: Gateway

    async def post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
        return await self.gateway.http.post(path, json=body, headers=headers)

    async def offered_to_the_model(self, headers: dict[str, str], tool: str) -> str:
        backend = self.gateway.intermediary
        await self.gateway.http.post("/v1/chat/completions", json=asks("look"), headers=headers)
        return letter(tool in {each.function.name for each in backend.turns[-1].tools})

    async def offered_over_mcp(self, headers: dict[str, str], tool: str) -> str:
        told = await self.mcp("tools/list", {}, headers)
        return letter(tool in {each["name"] for each in told["result"]["tools"]})

    async def called_by_the_model(self, headers: dict[str, str], tool: str) -> str:
        told = (await self.post("/v1/chat/completions", asks(tool), headers)).json()
        if (told["gateway"].get("incomplete_details") or {}).get("reason") == "approval_required":
            return "P"
        return letter(f'"ran":"{tool}"' in str(told["choices"]).replace(" ", ""))

    async def called_over_rest(self, headers: dict[str, str], tool: str) -> str:
        told = await self.post(f"/v1/tools/{tool}/invoke", {"arguments": {}}, headers)
        if told.status_code == 403 and told.json()["error"]["code"] == "approval_required":
            return "P"
        return letter(told.status_code == 200)

    async def called_over_mcp(self, headers: dict[str, str], tool: str) -> str:
        told = await self.mcp("tools/call", {"name": tool, "arguments": {}}, headers)
        return letter("result" in told and not told["result"].get("isError", False))

    async def registered(self, headers: dict[str, str], tool: str) -> str:
        registry = self.gateway.services.registry
        was = registry.get(tool)
        registry.remove(tool)
        told = await self.post("/v1/tools", registration(tool), headers)
        assert told.status_code in {201, 403}, told.text
        assert (tool in registry.snapshot()) == (told.status_code == 201)
        if told.status_code == 201:
            registry.remove(tool)
        registry.register(was, Runs())
        return letter(told.status_code == 201)

    async def removed(self, headers: dict[str, str], tool: str) -> str:
        registry = self.gateway.services.registry
        was = registry.get(tool)
        told = await self.gateway.http.delete(f"/v1/tools/{tool}", headers=headers)
        assert told.status_code in {200, 403}, told.text
        if told.status_code == 200:
            registry.register(was, Runs())
        return letter(told.status_code == 200)

    async def approved(self, headers: dict[str, str], tool: str) -> str:
        for tenant in TENANTS:
            await self.gateway.services.suspensions.put(held(tenant, tool))
        path = f"/v1/runs/run_{tool}/approvals/one"
        told = await self.post(path, {"decision": "approve"}, headers)
        assert told.status_code in {200, 403}, told.text
        return letter(told.status_code == 200)

    async def mcp(self, method: str, params: dict[str, Any], headers: dict[str, str]) -> Any:
        accept = {"accept": "application/json, text/event-stream"}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return (await self.post("/mcp", body, {**headers, **accept})).json()


def letter(is_allowed: bool) -> str:
    return "A" if is_allowed else "-"


def asks(tool: str) -> dict[str, Any]:
    return {"model": "gateway", "messages": [{"role": "user", "content": tool}]}


def registration(tool: str) -> dict[str, Any]:
    return {
        "name": tool,
        "description": f"The tool {tool}.",
        "parameters": {"type": "object", "properties": {}},
        "annotations": TOOLS[tool],
        "executor": {"kind": "http", "method": "GET", "url": "https://example.com/"},
    }


def held(tenant: str, tool: str) -> Suspension:
    """A run of which two calls wait, so that one decision does not yet let it go on."""
    calls = tuple(
        {"call_id": call_id, "name": tool, "arguments": {}, "step": 1, "decision": None}
        for call_id in ("one", "two")
    )
    return Suspension(tenant, f"run_{tool}", 1, time.time(), time.time() + 60, calls, {})


async def staged(serve: Serve, folder: Path) -> tuple[Stage, dict[tuple[str, str], dict[str, str]]]:
    path = folder / "some.cedar"
    path.write_text(POLICIES)
    access, made = CedarAccess(ReloadedSet(path)), doors()
    rules = AuditedPolicies([access], AuditLog().record, lambda: access.version)
    gateway = await serve(
        repeat(obedient),
        expert=repeat(obedient),
        policies=rules,
        keys=made.keys,
        access=made.access,
    )
    for name in ("add", "wait"):
        gateway.services.registry.remove(name)
    for name, hints in TOOLS.items():
        gateway.services.registry.register(spec(name, {}, **hints), Runs())
    callers = {
        (role, tenant): bearer(await made.key(role, tenant))
        for role, tenant in product(ROLES, TENANTS)
    }
    return Stage(gateway), callers


async def test_every_cell_is_answered_by_its_surface_as_the_table_says(
    serve: Serve, tmp_path: Path
) -> None:
    stage, callers = await staged(serve, tmp_path)
    asked: dict[str, Callable[[dict[str, str], str], Awaitable[str]]] = {
        "offer to the model": stage.offered_to_the_model,
        "offer over MCP": stage.offered_over_mcp,
        "call by the model": stage.called_by_the_model,
        "call over REST": stage.called_over_rest,
        "call over MCP": stage.called_over_mcp,
        "register": stage.registered,
        "remove": stage.removed,
        "approve": stage.approved,
    }
    told: dict[tuple[str, str], str] = {}
    for action, role in product(asked, ROLES):
        rows = [
            "".join([await asked[action](callers[role, tenant], tool) for tool in TOOLS])
            for tenant in TENANTS
        ]
        told[action, role] = " ".join(rows)
    assert told == TABLE


async def test_the_expert_is_asked_for_whom_the_table_says(serve: Serve, tmp_path: Path) -> None:
    stage, callers = await staged(serve, tmp_path)
    told: dict[str, str] = {}
    for role in ROLES:
        row = ""
        for tenant in TENANTS:
            body = {**asks("look"), "model": "expert"}
            got = await stage.post("/v1/chat/completions", body, callers[role, tenant])
            assert got.status_code in {200, 403}, got.text
            row += letter(got.status_code == 200)
        told[role] = row
    assert told == EXPERT
