"""Hot routes go past the framework, and nobody can tell by their answers."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from tests.gateway.access.doors import doors
from tests.gateway.conftest import Serve, build

CHAT = {"model": "gateway", "messages": [{"role": "user", "content": "Go."}]}
HOT = {"/v1/chat/completions": CHAT, "/v1/responses": {"model": "gateway", "input": "Go."}}
SECURE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


async def out_of_order(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("the framework was asked")


@pytest.mark.parametrize("path", HOT)
async def test_they_are_answered_without_the_framework(path: str) -> None:
    app = create_app(build(["Hi."])[0])
    async with app.router.lifespan_context(app):
        app.middleware_stack = out_of_order
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.post(path, json=HOT[path])
    assert answer.status_code == 200
    assert SECURE.items() <= answer.headers.items()


@pytest.mark.parametrize("path", HOT)
async def test_their_refusals_have_the_headers_of_all_answers(serve: Serve, path: str) -> None:
    gateway = await serve()
    answer = await gateway.http.post(path, json={})
    assert answer.status_code == 400
    assert SECURE.items() <= answer.headers.items()


@pytest.mark.parametrize("path", HOT)
async def test_they_ask_for_a_key(serve: Serve, path: str) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    answer = await gateway.http.post(path, json=HOT[path])
    assert answer.status_code == 401
    assert SECURE.items() <= answer.headers.items()


@pytest.mark.parametrize("path", HOT)
async def test_without_keys_they_refuse_a_foreign_host(serve: Serve, path: str) -> None:
    gateway = await serve()
    answer = await gateway.http.post(path, json=HOT[path], headers={"host": "evil.example"})
    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "wrong_host"


@pytest.mark.parametrize("path", HOT)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def test_another_method_is_refused(serve: Serve, method: str, path: str) -> None:
    gateway = await serve()
    answer = await gateway.http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", HOT)
async def test_a_trailing_slash_is_redirected(serve: Serve, path: str) -> None:
    gateway = await serve()
    answer = await gateway.http.post(f"{path}/", json=HOT[path])
    assert answer.status_code == 307
    assert answer.headers["location"] == gateway.url + path


async def post_mounted(root: str, path: str) -> httpx.Response:
    """POST to a gateway that is mounted below `root` in another application."""
    app = create_app(build(["Hi."])[0])
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        outer: Any = Starlette(routes=[Mount(root, app)])
        transport = httpx.ASGITransport(outer)
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
        await stack.enter_async_context(client)
        return await client.post(path, json=CHAT)


async def test_a_mounted_gateway_answers_them() -> None:
    answer = await post_mounted("/gw", "/gw/v1/chat/completions")
    assert answer.json()["choices"][0]["message"]["content"] == "Hi."


async def test_only_what_is_behind_the_mount_is_their_path() -> None:
    assert (await post_mounted("/v1", "/v1/chat/completions")).status_code == 404
