"""What the engine's HTTP may do wrong, and the error that it becomes. A small server plays it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from routing.backends.llama_engine import Endpoint
from routing.backends.llama_http import LlamaClient
from routing.errors import (
    BackendError,
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Answer], Awaitable[LlamaClient]]]:
    servers: list[TestServer] = []

    async def start(answer: Answer) -> LlamaClient:
        app = web.Application()
        app.router.add_post("/completion", answer)
        server = TestServer(app)
        servers.append(server)
        await server.start_server()
        url = str(server.make_url("")).rstrip("/")
        return LlamaClient(Endpoint(url, "key"), stall_s=0.2)

    yield start
    for server in servers:
        await server.close()


async def read(client: LlamaClient, deadline: float | None = None) -> list[dict[str, object]]:
    return [chunk async for chunk in client.chunks({"prompt": [1]}, deadline)]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, '{"error": {"message": "m", "type": "exceed_context_size_error"}}', ContextTooLong),
        (400, '{"error": {"message": "m", "type": "invalid_request_error"}}', BackendRejected),
        (401, "no json", BackendRejected),
        (503, '{"error": {"message": "loading", "type": "unavailable"}}', BackendUnavailable),
        (500, '["odd"]', BackendUnavailable),
    ],
)
async def test_a_refusal_becomes_the_error_that_it_means(
    serve: Callable[[Answer], Awaitable[LlamaClient]],
    status: int,
    body: str,
    expected: type[BackendError],
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    client = await serve(answer)
    with pytest.raises(expected) as caught:
        await read(client)
    assert type(caught.value) is expected


async def _stream(request: web.Request, *parts: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for part in parts:
        await response.write(part)
    return response


@pytest.mark.parametrize("broken", [b"data: {\n\n", b'data: {"error": {"message": "gpu"}}\n\n'])
async def test_an_event_that_is_no_chunk_is_a_protocol_error(
    serve: Callable[[Answer], Awaitable[LlamaClient]], broken: bytes
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await _stream(request, broken)

    client = await serve(answer)
    with pytest.raises(BackendProtocolError):
        await read(client)


async def test_a_connection_that_breaks_makes_the_engine_unavailable(
    serve: Callable[[Answer], Awaitable[LlamaClient]],
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = await _stream(request, b'data: {"content": "a"}\n\n')
        assert request.transport is not None
        request.transport.abort()
        return response

    client = await serve(answer)
    with pytest.raises(BackendUnavailable):
        await read(client)
    with pytest.raises(BackendUnavailable):
        await read(LlamaClient(Endpoint("http://127.0.0.1:1", "key"), stall_s=5))


async def test_silence_is_a_timeout_whether_the_run_has_a_deadline_or_not(
    serve: Callable[[Answer], Awaitable[LlamaClient]],
) -> None:
    over = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await _stream(request, b'data: {"content": "a"}\n\n')
        await over.wait()
        return response

    client = await serve(answer)
    with pytest.raises(BackendTimeout):
        await read(client)
    with pytest.raises(BackendTimeout):
        await read(client, deadline=0.0)
    over.set()


async def test_the_key_is_sent_and_chunks_come_as_they_are_written(
    serve: Callable[[Answer], Awaitable[LlamaClient]],
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer key"
        assert await request.json() == {"prompt": [1]}
        return await _stream(request, b'data: {"content": "a"}\n\nda', b'ta: {"content": "b"}\n\n')

    client = await serve(answer)
    assert await read(client) == [{"content": "a"}, {"content": "b"}]
