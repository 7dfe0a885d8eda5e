"""Two tenants use the same gateway for everything that it keeps for later; neither meets the other's."""

from __future__ import annotations

import asyncio
from typing import Any

from routing.backends.scripted import Call, Say
from tests.gateway.access.doors import bearer, doors
from tests.gateway.conftest import Gateway, Serve
from tests.gateway.test_approvals import ADD_100, People
from tools.executor import CallContext
from tools.spec import ToolSpec, ValidCall

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
USER: dict[str, Any] = {"role": "user", "content": "Go."}


class Writes:
    """A tool that changes something."""

    def __init__(self) -> None:
        self.contexts: list[CallContext] = []

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        self.contexts.append(context)
        return "written"


async def two(serve: Serve, script: list[Any], **options: Any) -> tuple[Gateway, Any, Any]:
    """A gateway with keys, and the headers of an operator of `a` and of one of `b`."""
    made = doors()
    gateway = await serve(script, keys=made.keys, access=made.access, **options)
    return gateway, *[bearer(await made.key("operator", tenant)) for tenant in "ab"]


async def chat(served: Gateway, who: Any, messages: Any = None, **body: Any) -> Any:
    asked = {"model": "gateway", "messages": messages or [USER], **body}
    return await served.http.post("/v1/chat/completions", json=asked, headers=who)


async def test_a_held_call_is_its_tenants_to_see_and_to_decide(serve: Serve) -> None:
    gateway, a, b = await two(serve, [ADD_100, "It is 101."], policies=People())
    run_id = (await chat(gateway, a)).json()["gateway"]["run_id"]
    path = f"/v1/runs/{run_id}/approvals"
    decision = {"decision": "approve"}
    assert (await gateway.http.get(path, headers=b)).status_code == 404
    listed = [(await gateway.http.get("/v1/approvals", headers=who)).json() for who in (a, b)]
    assert [len(each["data"]) for each in listed] == [1, 0]
    refused = await gateway.http.post(f"{path}/{ADD_100.id}", json=decision, headers=b)
    assert refused.status_code == 404
    assert gateway.tools.log == []
    approved = await gateway.http.post(f"{path}/{ADD_100.id}", json=decision, headers=a)
    assert approved.status_code == 200
    trace: dict[str, Any] = {"status": "running"}
    async with asyncio.timeout(60):
        while trace["status"] in ("running", "incomplete"):
            trace = (await gateway.http.get(f"/v1/runs/{run_id}", headers=a)).json()
    assert (trace["status"], trace["answer"]) == ("completed", "It is 101.")
    assert gateway.tools.log == ["add"]


async def test_an_effect_is_its_tenants_and_is_done_in_its_name(serve: Serve) -> None:
    gateway, a, b = await two(serve, [])
    writes = Writes()
    parameters: dict[str, Any] = {"type": "object", "properties": {}}
    gateway.services.registry.register(ToolSpec("write", "Writes.", parameters), writes)
    body: dict[str, Any] = {"arguments": {}}
    made = await gateway.http.post("/v1/tools/write/invoke", json=body, headers=a)
    path = f"/v1/runs/{made.json()['run_id']}/effects"
    own = (await gateway.http.get(path, headers=a)).json()["data"]
    assert [(effect["name"], effect["state"]) for effect in own] == [("write", "done")]
    other = await gateway.http.get(path, headers=b)
    assert other.status_code == 404 or other.json()["data"] == []
    assert [context.tenant for context in writes.contexts] == ["a"]


async def test_what_an_app_did_not_see_of_a_turn_comes_back_to_it_alone(serve: Serve) -> None:
    both = Say("", [Call("add", {"a": 1, "b": 2}), Call("get_weather", {"city": "Lyon"})])
    gateway, a, b = await two(serve, [both, "Theirs.", "Mine."])
    more: dict[str, Any] = {"tools": [WEATHER], "gateway": {"tools": ["add"]}}
    said = (await chat(gateway, a, **more)).json()["choices"][0]["message"]
    [call] = said["tool_calls"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
    for who, known in ((b, 1), (a, 2)):
        assert (await chat(gateway, who, [USER, said, result], **more)).status_code == 200
        seen = gateway.intermediary.turns[-1].messages
        assert len([message for message in seen if message.role == "tool"]) == known


async def test_a_response_in_the_background_is_followed_and_ended_by_its_tenant(
    serve: Serve,
) -> None:
    never = asyncio.Event()
    gateway, a, b = await two(serve, [Say("It is noon.", pauses={0: never})])
    body = {"model": "gateway", "input": "Go.", "background": True}
    made = (await gateway.http.post("/v1/responses", json=body, headers=a)).json()
    await gateway.intermediary.asked()
    path = f"/v1/responses/{made['id']}"
    for method, url in (
        ("GET", f"{path}?stream=true"),
        ("POST", f"{path}/cancel"),
        ("DELETE", path),
    ):
        assert (await gateway.http.request(method, url, headers=b)).status_code == 404
    assert (await gateway.http.get(path, headers=a)).json()["status"] == "in_progress"
    ended = await gateway.http.post(f"{path}/cancel", headers=a)
    assert ended.json()["status"] == "cancelled"
