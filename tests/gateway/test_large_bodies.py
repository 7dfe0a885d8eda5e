"""Fifty megabytes: refused in the usual shape, and hardly any of it is ever in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.app import create_app

PIECE = b"x" * 50_000
PIECES = 1_000
LIMIT = 4 * 1024 * 1024
READ_AHEAD = 256 * 1024
"""What the server hands over in one piece at most, and what is held while it is judged."""
PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/tools")


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
    measured = Measured(create_app(services))
    size = len(b'{"input": "') + PIECES * len(PIECE)
    headers = {"content-type": "application/json"}
    if declared:
        headers["content-length"] = str(size)
    async with (
        listen(measured, lifespan="on") as url,
        httpx.AsyncClient(base_url=url, timeout=60, verify=False) as http,
    ):
        for path in PATHS:
            measured.taken = 0
            refused = await http.post(path, content=body(), headers=headers)
            assert refused.status_code == 413, path
            error = refused.json()["error"]
            assert set(error) == {"message", "type", "param", "code"}
            assert (error["type"], error["code"]) == ("invalid_request_error", "body_too_large")
            assert measured.taken <= (0 if declared else LIMIT + READ_AHEAD)
        assert (await http.get("/healthz")).status_code == 200
    await services.aclose()
