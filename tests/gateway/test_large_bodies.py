"""Bodies that are too long or none, on every route that takes one: refused in the usual shape.

Of fifty megabytes hardly any is ever in memory.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.app import create_app

PIECE = b"x" * 50_000
PIECES = 1_000
LIMIT = 4 * 1024 * 1024
READ_AHEAD = 256 * 1024
"""What the server hands over in one piece at most, and what is held while it is judged."""


def paths(app: FastAPI) -> list[str]:
    """Every path that takes a body, as the application's own document has them, and `/mcp`."""
    document = app.openapi()["paths"]
    found = [
        path for path, operations in document.items() if "requestBody" in operations.get("post", {})
    ]
    assert len(found) > 10
    numbered = (path.replace("{version}", "1") for path in found)
    return ["/mcp", *(re.sub(r"{\w+}", "add", path) for path in numbered)]


class Measured:
    """The application, and how many bytes of its requests' bodies it took."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.taken = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            message = await receive()
            self.taken += len(message.get("body", b""))
            return message

        await self.app(scope, counted, send)


async def body() -> AsyncGenerator[bytes]:
    yield b'{"input": "'
    for _ in range(PIECES):
        yield PIECE


@pytest.mark.parametrize("declared", [True, False])
async def test_fifty_megabytes_are_refused_and_not_kept(
    scripted: Any,
    listen: Callable[..., AbstractAsyncContextManager[str]],
    declared: bool,
) -> None:
    services = scripted()
    app = create_app(services)
    measured = Measured(app)
    size = len(b'{"input": "') + PIECES * len(PIECE)
    headers = {"content-type": "application/json"}
    if declared:
        headers["content-length"] = str(size)
    async with (
        listen(measured, lifespan="on") as url,
        httpx.AsyncClient(base_url=url, timeout=60, verify=False) as http,
    ):
        for path in paths(app):
            measured.taken = 0
            refused = await http.post(path, content=body(), headers=headers)
            assert refused.status_code == 413, path
            error = refused.json()["error"]
            assert set(error) == {"message", "type", "param", "code"}
            assert (error["type"], error["code"]) == ("invalid_request_error", "body_too_large")
            assert measured.taken <= (0 if declared else LIMIT + READ_AHEAD)
        assert (await http.get("/healthz")).status_code == 200
    await services.aclose()


BROKEN = [
    b"{",
    b"[]",
    b"5",
    b"\xff",
    b'{"input": "\xff"}',
    b'{"\xc3": 1}',
    b'{"input": "\\ud800"}',
    b'{"a": NaN}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"input": "x", "input": 1e999}',
    b"\xef\xbb\xbf{}",
]


async def test_a_body_that_can_not_be_read_is_told_as_such(scripted: Any, listen: Any) -> None:
    services = scripted()
    app = create_app(services)
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    async with (
        listen(app, lifespan="on") as url,
        httpx.AsyncClient(base_url=url, timeout=60, verify=False, headers=headers) as http,
    ):
        for path in paths(app):
            for broken in BROKEN:
                refused = await http.post(path, content=broken)
                assert 400 <= refused.status_code < 500, (path, broken[:20], refused.text)
                error = refused.json()["error"]
                assert error["message"]
                if path != "/mcp":  # its errors are JSON-RPC's
                    assert set(error) == {"message", "type", "param", "code"}
                    assert error["type"] == "invalid_request_error"
            unasked = await http.post(path, content=b"{}", headers={"content-type": "text/plain"})
            assert unasked.status_code == 415, path
