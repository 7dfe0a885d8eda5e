"""No surface is open without a valid key, and none shows one tenant what is another's."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route, WebSocketRoute
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.app import create_app
from tests.gateway.access.doors import Doors, bearer, doors
from tests.gateway.conftest import Gateway, Serve, build

OPEN = {"/healthz", "/readyz"}
OPERATOR = "o" * 40
MCP = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"accept": "application/json, text/event-stream"}


def _flat(routes: list[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        if inner is not None:
            yield from _flat(inner)
        else:
            yield route


def http_routes() -> list[tuple[str, str]]:
    """Every method and path of the application, as its router has them."""
    found: set[tuple[str, str]] = set()
    for route in _flat(create_app(build(())[0]).router.routes):
        if isinstance(route, (Route, APIRoute)):
            found |= {(method, route.path) for method in route.methods or ()}
    return sorted(found)


ROUTES = [(method, path) for method, path in http_routes() if path not in OPEN]
CLOSED = [one for one in ROUTES if not one[1].startswith("/console")]


async def keys_that_open_nothing(made: Doors) -> dict[str, dict[str, str]]:
    valid = await made.key("operator")
    return {
        "none": {},
        "no bearer": {"authorization": valid},
        "empty": {"authorization": "Bearer"},
        "no key": bearer("sk-something"),
        "unknown": bearer(f"gwk_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"),
        "wrong secret": bearer(valid[:17] + secrets.token_urlsafe(32)),
        "one letter off": bearer(valid[:-1] + ("A" if valid[-1] != "A" else "B")),
        "cut": bearer(valid[:-1]),
        "too long": bearer(valid + "A" * 4_000),
        "expired": bearer(await made.expired()),
        "revoked": bearer(await made.revoked()),
    }


def test_the_routes_that_are_tried_are_all_there_are() -> None:
    assert len(CLOSED) > 30
    assert {("POST", "/v1/chat/completions"), ("POST", "/mcp"), ("POST", "/v1/keys")} < set(CLOSED)
    sockets = [
        route.path
        for route in _flat(create_app(build(())[0]).router.routes)
        if isinstance(route, WebSocketRoute)
    ]
    assert sockets == ["/v1/responses"]


async def test_no_route_answers_without_a_valid_key(serve: Serve) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    for shown, headers in (await keys_that_open_nothing(made)).items():
        for method, path in CLOSED:
            got = await gateway.http.request(method, path, headers=headers)
            assert got.status_code == 401, (shown, method, path)
            assert got.headers["www-authenticate"] == "Bearer"
            if method != "HEAD":
                assert got.json()["error"]["code"] == "invalid_api_key"


async def test_what_is_not_there_is_not_told_without_a_key(serve: Serve) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    assert (await gateway.http.get("/nothing")).status_code == 401


async def test_probes_need_no_key(serve: Serve) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    assert (await gateway.http.get("/healthz")).status_code == 200
    assert (await gateway.http.get("/readyz")).status_code == 200


async def test_a_websocket_needs_a_valid_key(serve: Serve) -> None:
    made = doors()
    gateway = await serve(["Hi."], keys=made.keys, access=made.access)
    url = gateway.url.replace("http", "ws") + "/v1/responses"
    for headers in (await keys_that_open_nothing(made)).values():
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url, additional_headers=headers):
                pass
        assert refused.value.response.status_code == 401
    async with connect(url, additional_headers=bearer(await made.key())) as socket:
        await socket.send(json.dumps(CREATE))
        assert await _end(socket) == "response.completed"


CREATE: dict[str, Any] = {"type": "response.create", "model": "gateway", "input": "Go."}


async def _end(socket: Any) -> str:
    while True:
        kind = json.loads(await asyncio.wait_for(socket.recv(), 10))["type"]
        if kind in {"response.completed", "error"}:
            return kind


async def test_a_revoked_key_ends_at_the_next_message_of_an_open_websocket(serve: Serve) -> None:
    made = doors()
    gateway = await serve(["Hi."], keys=made.keys, access=made.access)
    operator, key = await made.key("operator"), await made.key()
    url = gateway.url.replace("http", "ws") + "/v1/responses"
    async with connect(url, additional_headers=bearer(key)) as socket:
        await socket.send(json.dumps(CREATE))
        assert await _end(socket) == "response.completed"
        path = f"/v1/keys/{key[4:16]}"
        assert (await gateway.http.delete(path, headers=bearer(operator))).status_code == 200
        await socket.send(json.dumps(CREATE))
        assert await _end(socket) == "error"


async def test_a_revocation_over_rest_takes_effect_at_once(serve: Serve) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    operator, key = await made.key("operator"), await made.key()
    assert (await gateway.http.get("/v1/models", headers=bearer(key))).status_code == 200
    await gateway.http.delete(f"/v1/keys/{key[4:16]}", headers=bearer(operator))
    assert (await gateway.http.get("/v1/models", headers=bearer(key))).status_code == 401


async def test_mcp_takes_the_key_and_its_tenant(serve: Serve) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    headers = {**bearer(await made.key()), **ACCEPT}
    got = await gateway.http.post("/mcp", json=MCP, headers=headers)
    assert [tool["name"] for tool in got.json()["result"]["tools"]] == ["add", "wait"]


async def test_the_key_of_the_configuration_is_an_operators(serve: Serve) -> None:
    made = doors(OPERATOR)
    gateway = await serve(keys=made.keys, access=made.access)
    assert (await gateway.http.get("/v1/keys", headers=bearer(OPERATOR))).status_code == 200


async def mine(gateway: Gateway, headers: dict[str, str]) -> dict[str, str]:
    """One object of each kind: what stands for the parameters of paths."""
    asked = {"model": "gateway", "messages": [{"role": "user", "content": "Go."}]}
    chat = await gateway.http.post("/v1/chat/completions", json=asked, headers=headers)
    body: dict[str, Any] = {"model": "gateway", "input": "Go."}
    response = await gateway.http.post("/v1/responses", json=body, headers=headers)
    item = {"type": "message", "role": "user", "content": "Hello."}
    begun = await gateway.http.post("/v1/conversations", json={"items": [item]}, headers=headers)
    conversation = begun.json()["id"]
    listed = await gateway.http.get(f"/v1/conversations/{conversation}/items", headers=headers)
    return {
        "run_id": chat.json()["gateway"]["run_id"],
        "response_id": response.json()["id"],
        "conversation_id": conversation,
        "item_id": listed.json()["data"][0]["id"],
    }


BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/conversations/{conversation_id}"): {"metadata": {"a": "b"}},
    ("POST", "/v1/conversations/{conversation_id}/items"): {
        "items": [{"type": "message", "role": "user", "content": "More."}]
    },
    ("POST", "/v1/runs/{run_id}/cancel"): {},
    ("POST", "/v1/runs/{run_id}/approvals/{call_id}"): {"decision": "approve"},
    ("POST", "/v1/runs/{run_id}/effects/{effect_id}"): {"outcome": "done"},
}


async def test_another_tenants_ids_are_not_there_on_any_route(serve: Serve) -> None:
    made = doors()
    gateway = await serve(["Hi.", "Hi."], keys=made.keys, access=made.access)
    owner, other = bearer(await made.key(tenant="a")), bearer(await made.key("operator", "b"))
    ids = await mine(gateway, owner)
    tried: list[str] = []
    for method, path in CLOSED:
        if not any(f"{{{name}}}" in path for name in ids):
            continue
        url = path.format(**ids, call_id="call00001", effect_id="1.call00001", handle="h1")
        got = await gateway.http.request(
            method, url, headers=other, json=BODIES.get((method, path))
        )
        assert got.status_code == 404, (method, path, got.status_code, got.text)
        tried.append(f"{method} {path}")
    assert len(tried) >= 12
    for path in ("runs/{run_id}", "responses/{response_id}", "conversations/{conversation_id}"):
        got = await gateway.http.get("/v1/" + path.format(**ids), headers=owner)
        assert got.status_code == 200, path


@pytest.mark.parametrize("named", ["previous_response_id", "conversation", "item_reference"])
async def test_another_tenants_ids_are_not_there_in_bodies(serve: Serve, named: str) -> None:
    made = doors()
    gateway = await serve(["Hi.", "Hi.", "Hi."], keys=made.keys, access=made.access)
    owner, other = bearer(await made.key(tenant="a")), bearer(await made.key("operator", "b"))
    ids = await mine(gateway, owner)
    body: dict[str, Any] = {"model": "gateway", "input": "Go on."}
    match named:
        case "previous_response_id":
            body[named] = ids["response_id"]
        case "conversation":
            body[named] = ids["conversation_id"]
        case _:
            body["input"] = [{"type": "item_reference", "id": ids["item_id"]}]
    got = await gateway.http.post("/v1/responses", json=body, headers=other)
    assert got.status_code in {400, 404}, got.text
    assert "Hello" not in got.text


async def test_lists_show_what_is_the_tenants_own(serve: Serve) -> None:
    made = doors()
    gateway = await serve(["Hi.", "Hi."], keys=made.keys, access=made.access)
    owner, other = bearer(await made.key(tenant="a")), bearer(await made.key("operator", "b"))
    await mine(gateway, owner)
    assert len((await gateway.http.get("/v1/runs", headers=owner)).json()["data"]) == 2
    assert (await gateway.http.get("/v1/runs", headers=other)).json()["data"] == []


async def test_a_secret_is_told_once_and_stands_nowhere_else(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    made = doors()
    gateway = await serve(["Hi."], keys=made.keys, access=made.access)
    operator = await made.key("operator")
    headers = bearer(operator)
    with caplog.at_level(logging.DEBUG):
        new = await gateway.http.post("/v1/keys", json={"role": "app"}, headers=headers)
        secret = new.json()["key"]
        told = [
            (await gateway.http.get("/v1/keys", headers=headers)).text,
            (await gateway.chat()).text,
            (await gateway.http.get("/metrics", headers=headers)).text,
            (await gateway.http.get(f"/v1/keys/{secret}", headers=headers)).text,
            (await gateway.http.delete(f"/v1/keys/{secret}", headers=headers)).text,
            (await gateway.http.post("/v1/keys", json={"role": secret}, headers=headers)).text,
            (await gateway.http.get("/v1/models", headers=bearer(secret + "x"))).text,
            repr(await made.keys.list()),
            repr(made.access),
        ]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("gateway")]
    for text in (*told, *ours):
        for key in (secret, operator):
            assert key not in text
            assert key.split("_", 2)[2] not in text
