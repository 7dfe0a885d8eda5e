"""What a server process that nobody has asked anything has not imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.storage.sql.migrate import prepare

RUN = """
import asyncio, gc, json, sys
from gateway.cli.starting import application, begin
begin()
from gateway.cli import banner, serving
app = application()
async def served():
    async with app.router.lifespan_context(app):
        collector = [gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()[0]]
        return {"modules": sorted(sys.modules), "collector": collector}
print(json.dumps(asyncio.run(served())))
"""
ASKED = """
import asyncio, json, os, sys
from gateway.cli.starting import application, begin
begin()
from gateway.cli import banner, serving
import httptools

async def engine(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    event = {"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]}
    told = b"data: " + json.dumps(event).encode() + b"\\n\\ndata: [DONE]\\n\\n"
    writer.write(b"HTTP/1.1 200 OK\\r\\nconnection: close\\r\\n\\r\\n" + told)
    writer.close()

async def asked():
    async with await asyncio.start_server(engine, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        os.environ["GATEWAY__MODELS__INTERMEDIARY__BASE_URL"] = f"http://127.0.0.1:{port}/v1"
        app = application()
        body = json.dumps({"model": "gateway", "messages": [{"role": "user", "content": "hello"}]})
        parts = [{"type": "http.request", "body": body.encode(), "more_body": False}]
        answer = b""
        async def receive():
            return parts.pop() if parts else await asyncio.Event().wait()
        async def send(message):
            nonlocal answer
            answer += message.get("body", b"")
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "scheme": "http", "path": "/v1/chat/completions", "raw_path": b"/v1/chat/completions",
            "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
            "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")], "state": {}}
        async with app.router.lifespan_context(app):
            await app(scope, receive, send)
    assert b'"hi"' in answer, answer
    return {"modules": sorted(sys.modules)}
print(json.dumps(asyncio.run(asked())))
"""
LATE = {
    # engines, and what only some configurations have
    *("litellm", "xllamacpp", "asyncpg", "sqlalchemy.dialects.postgresql", "opentelemetry.sdk"),
    # tools when they are called, and those of MCP servers
    *("pint", "babel", "mcp", "markdown_it"),
    # databases that are up to date need no migration, and nothing here an ORM
    *("alembic", "sqlalchemy.orm"),
    # counting tokens, reading images
    *("mistral_common.tokens.tokenizers.tekken", "tiktoken", "numpy", "requests.sessions"),
    # tools and embedding servers that are asked over HTTP
    "aiohttp.client",
    # terminals, sockets that stay open
    *("rich", "websockets", "uvicorn.protocols.websockets.websockets_sansio_impl"),
}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _told(RUN, tmp_path_factory.mktemp("idle"))


@pytest.fixture(scope="module")
def imported(started: dict[str, Any]) -> set[str]:
    return set(started["modules"])


def _told(script: str, folder: Path) -> dict[str, Any]:
    """What a process tells that runs `script` beside a configuration."""
    config = folder / "gateway.yaml"
    config.write_text(
        "models: {intermediary: {backend: vllm, base_url: 'http://127.0.0.1:9/v1', model: m}}\n"
    )
    environment = {
        **os.environ,
        "GATEWAY_CONFIG": str(config),
        "GATEWAY__STORAGE__URL": f"sqlite:///{folder}/gateway.db",
    }
    prepare(environment["GATEWAY__STORAGE__URL"])
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_what_an_idle_server_does_not_need_is_not_imported(imported: set[str]) -> None:
    assert imported & LATE == set()


def test_what_it_does_need_is_there(imported: set[str]) -> None:
    assert {"gateway.app", "fastapi", "sqlalchemy", "requests"} <= imported


def test_an_engine_is_asked_without_the_client_that_tools_need(tmp_path: Path) -> None:
    found = set(_told(ASKED, tmp_path)["modules"])
    assert "routing.http1.connection" in found
    assert found & {"aiohttp.client", "requests.sessions", "litellm"} == set()


def test_the_collector_leaves_alone_what_was_there_and_looks_rarely_at_what_comes(
    started: dict[str, Any],
) -> None:
    is_on, left_alone, new_objects = started["collector"]
    assert is_on
    assert left_alone > 100_000
    assert new_objects > 10_000
