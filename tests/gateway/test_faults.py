"""Engines that fail at the socket: every run ends in an answer or an honest failure, in time.

Each fault is met by the intermediary, with an expert behind it and without, and by the expert, asked by
ourselves and through LiteLLM; by clients that stream and clients that don't.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal, get_args

import httpx
import pytest

from gateway.agent.loop import AgentLoop
from gateway.app import create_app
from gateway.services import Services
from routing.backend import ModelBackend
from routing.backends.litellm import LiteLLMBackend
from routing.backends.openai_http import HttpTimeouts
from routing.backends.vllm import VllmBackend
from routing.router import Member, Price, Router
from tests.gateway.conftest import listening
from tests.lateness import lateness
from tests.routing.openai_stub import DONE, a_turn, chunk, event, played, running, text
from tools.registry import Registry

DEADLINE_S = 0.6
LATEST_S = DEADLINE_S + 0.05
_ROUND_S = 0.3
"""For HTTP around a run: two connections, a request to parse, an answer to read."""

Who = Literal["intermediary", "intermediary, nobody else", "expert", "expert through LiteLLM"]
Fault = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def piece(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def says(status: str, body: bytes, *headers: str) -> Fault:
    """A whole answer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


def streams(*parts: bytes, then: Fault | None = None, pause_s: float = 0.0) -> Fault:
    """A stream of these parts, and then what follows; without it the connection is closed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_HEAD)
        for part in parts:
            writer.write(piece(part))
            await writer.drain()
            await asyncio.sleep(pause_s)
        if then is not None:
            await then(reader, writer)

    return answer


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    await reader.read()  # until the gateway lets go


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    held: socket.socket = writer.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader, writer


async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.write(b"0\r\n\r\n")
    await writer.drain()


BUSY = b'{"error": {"message": "too many requests"}}'
FAULTS: dict[str, Fault | None] = {
    "refused": None,
    "reset": reset,
    "closed": close,
    "hung": hang,
    "hung after the head": streams(then=hang),
    "hung in mid-answer": streams(text("Hel"), then=hang),
    "slow drip": streams(*[text("a ")] * 200, pause_s=0.02),
    "slow drip of comments": streams(*[b": still here\n\n"] * 200, pause_s=0.02),
    "429, soon": says("429 Too Many Requests", BUSY, "retry-after: 0.05"),
    "429, much later": says("429 Too Many Requests", BUSY, "retry-after: 3600"),
    "500": says("500 Internal Server Error", b"oops"),
    "503": says("503 Service Unavailable", b"<html>no</html>"),
    "200 that is a page": says("200 OK", b"<html>hello</html>", "content-type: text/html"),
    "cut before a word": streams(then=reset),
    "cut in mid-answer": streams(text("Hel"), then=reset),
    "ends without an end": streams(text("Hel"), then=ends),
    "invalid JSON": streams(b'data: {"choices": [{"del\n\n', then=ends),
    "JSON of another shape": streams(b"data: [1, 2]\n\n", DONE, then=ends),
    "another shape inside": streams(event({"choices": [{"delta": "Hi"}]}), DONE, then=ends),
    "an error in the stream": streams(event({"error": {"message": "CUDA"}}), then=ends),
    "nothing said": streams(chunk({}, finish_reason="stop"), DONE, then=ends),
}


@asynccontextmanager
async def failing(fault: Fault | None) -> AsyncGenerator[str]:
    """An engine that fails in its own way at every request; gives its URL."""
    if fault is None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1"
        return

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if (at := head.find(b"content-length: ")) >= 0:
                await reader.readexactly(int(head[at + 16 :].split(b"\r\n")[0]))
            await fault(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


TIMEOUTS = HttpTimeouts(connect_s=5.0, idle_s=60.0)


def direct(name: str, url: str) -> ModelBackend:
    return VllmBackend(name, name, url, context_tokens=8192, timeouts=TIMEOUTS)


def through_litellm(name: str, url: str) -> ModelBackend:
    return LiteLLMBackend(name, "openai/m", base_url=url, api_key="none", timeouts=TIMEOUTS)


@pytest.fixture(scope="module")
def litellm_is_there() -> None:
    """Its import takes seconds, at the first turn: a process has that behind it once."""

    async def ask_once() -> None:
        async with running() as stub:
            backend = through_litellm("large", stub.url)
            await played(backend, a_turn())
            await backend.aclose()

    asyncio.run(ask_once())


@asynccontextmanager
async def gateway(fault: Fault | None, who: Who) -> AsyncGenerator[httpx.AsyncClient]:
    """A gateway one of whose models fails; the other one says "Hello"."""
    async with AsyncExitStack() as stack:
        bad = await stack.enter_async_context(failing(fault))
        good = (await stack.enter_async_context(running())).url
        small, large = (good, bad) if who.startswith("expert") else (bad, good)
        models = {"intermediary": direct("small", small)}
        if who != "intermediary, nobody else":
            built = through_litellm if who == "expert through LiteLLM" else direct
            models["expert"] = built("large", large)
        members = {role: Member(one, Price(1.0, 1.0)) for role, one in models.items()}
        registry = Registry()
        loop = AgentLoop(Router(members["intermediary"], members.get("expert")), registry)
        services = Services(loop=loop, registry=registry, models=models, closers=(loop.aclose,))
        url = await stack.enter_async_context(listening(create_app(services), "on"))
        client = httpx.AsyncClient(base_url=url, timeout=10, verify=False)
        yield await stack.enter_async_context(client)


def is_told(error: Any) -> bool:
    return bool(error["message"]) and bool(error["type"])


def read_whole(answer: httpx.Response) -> tuple[str, Any]:
    """The text, and what is missing from it; an honest error has none of either."""
    document = answer.json()
    if answer.status_code != 200:
        assert answer.status_code in {429, 502, 503, 504}, answer.text
        assert is_told(document["error"])
        return "", "failed"
    [choice] = document["choices"]
    return choice["message"]["content"], document["gateway"].get("incomplete_details")


def read_stream(answer: httpx.Response) -> tuple[str, Any]:
    if answer.status_code != 200:
        return read_whole(answer)
    *events, last = [
        line.removeprefix("data: ") for line in answer.text.splitlines() if line[:5] == "data:"
    ]
    if last != "[DONE]":
        assert is_told(json.loads(last)["error"])
        return "", "failed"
    chunks = [json.loads(each) for each in events]
    deltas = [choice["delta"] for each in chunks for choice in each["choices"]]
    told = next(each["gateway"] for each in reversed(chunks) if "gateway" in each)
    return "".join(delta.get("content") or "" for delta in deltas), told.get("incomplete_details")


@pytest.mark.filterwarnings("ignore")  # LiteLLM's own, of many kinds
@pytest.mark.usefixtures("litellm_is_there")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("who", get_args(Who))
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_run_ends_in_an_answer_or_an_honest_failure_in_time(
    fault: str, who: Who, *, stream: bool
) -> None:
    asked = {"deadline_ms": int(DEADLINE_S * 1000)}
    if who.startswith("expert"):
        asked |= {"escalation": "always"}  # type: ignore[dict-item]
    async with gateway(FAULTS[fault], who) as http:
        (await http.get("/healthz")).raise_for_status()
        messages = [{"role": "user", "content": "Go."}]
        body = {"model": "gateway", "messages": messages, "stream": stream, "gateway": asked}
        async with lateness() as machine:
            answer = await http.post("/v1/chat/completions", json=body)
        run = (await http.get(f"/v1/runs/{answer.headers['x-gateway-run-id']}")).json()
    said, missing = (read_stream if stream else read_whole)(answer)
    assert said or missing == "failed"
    ended = "failed" if missing == "failed" else "incomplete" if missing else "completed"
    assert run["status"] == ended, missing
    took_s = run["finished_at"] - run["created_at"]
    assert took_s < LATEST_S + _ROUND_S + 3 * machine.worst_s, f"{took_s:.3f} s"
    if who == "intermediary" and fault in {"refused", "500", "closed", "reset"}:
        assert (said, missing) == ("Hello", None)  # the expert decides in its place
