"""A secret in every place where one can stand, and a search for it in everything that can be seen."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
import yaml
from aiohttp import web

from gateway.app import create_app
from gateway.compose import CompositionError, build_services
from gateway.services import Services
from gateway.settings import Settings, load_settings
from gateway.settings.reading import SettingsError

MCP_SERVER = Path(__file__).parents[1] / "tools" / "mcp" / "server.py"
SECRETS = {
    "MODEL_KEY": "planted-model-key-7f3a9c",
    "MODEL_PASSWORD": "planted-model-password-1b2c",
    "EXPERT_KEY": "planted-expert-key-55d0e1",
    "FALLBACK_KEY": "planted-fallback-key-6a5b4c",
    "OVERFLOW_KEY": "planted-overflow-key-2d3e4f",
    "EMBEDDING_KEY": "planted-embedding-key-9c8b7a",
    "TOOL_HEADER": "planted-tool-header-9e8d7c",
    "TOOL_API": "planted-tool-api-3c1d2e",
    "TOOL_BASIC": "planted-user:planted-basic-password-77",
    "TOOL_QUERY": 'planted query/"key"+4=',
    "MCP_KEY": "planted-mcp-key-8a7b6c",
    "MCP_TOKEN": "planted-mcp-token-0f1e2d",
    "MCP_VARIABLE": 'planted/"mcp" variable',
    "MCP_DESCRIPTION": "planted-mcp-description-6f",
    "MANIFEST_KEY": "planted-manifest-key-5e4d3c",
    "CALLER_TOKEN": "planted-caller-token-1234567890",
    "OPERATOR_KEY": "planted-operator-key-0123456789abcdef",
    "DATABASE_PASSWORD": "planted-database-password-4e",
    "ODD_PASSWORD": "planted/odd@pass:word#1?x",
}


@dataclass
class Upstream:
    """A model and a tool on one port. Both echo what they were sent whenever they may."""

    port: int = 0
    broken: int | None = None
    prompts: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)

    async def model(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(str(request.headers))
        self.prompts.append(await request.text())
        if self.broken is not None:
            echoed = {"error": {"message": f"bad key: {request.headers.get('Authorization')}"}}
            return web.json_response(echoed, status=self.broken)
        asked = json.loads(self.prompts[-1])["messages"]
        said: dict[str, Any] = {"content": "done"}
        if not any(each["role"] == "tool" for each in asked):
            function = {"name": "probe", "arguments": "{}"}
            said = {
                "tool_calls": [
                    {"index": 0, "id": "abcdefghi", "type": "function", "function": function}
                ]
            }
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for delta, reason in ((said, None), ({}, "stop")):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            await answer.write(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n")
        await answer.write(b"data: [DONE]\n\n")
        return answer

    async def collect(self, request: web.Request) -> web.Response:
        self.traces.append((await request.read()).decode("latin-1"))
        return web.Response(content_type="application/x-protobuf")

    async def no_entry(self, request: web.Request) -> web.Response:
        self.headers.append(str(request.headers))
        return web.Response(status=401, text=f"bad key: {request.headers.get('Authorization')}")

    async def mcp(self, request: web.Request) -> web.Response:
        """Says no in MCP, and in it the token alone, without what stood before it."""
        self.headers.append(str(request.headers))
        shown = request.headers.get("X-Key", request.headers.get("Authorization", "")).split()[-1]
        asked = await request.json() if request.method == "POST" else {}
        error = {"code": -32000, "message": f"no such token: {shown}"}
        return web.json_response({"jsonrpc": "2.0", "id": asked.get("id"), "error": error})

    async def tool(self, request: web.Request) -> web.Response:
        self.headers.append(str(request.headers))
        return web.json_response(
            {
                "you sent": dict(request.headers),
                "to": str(request.rel_url),
                "and": dict(request.query),
            },
            status=int(request.match_info["status"]),
        )

    async def file(self, request: web.Request) -> web.Response:
        """What is no text, with the key in it: it is kept beside the run."""
        body = b"\x00\xff" + request.headers["Authorization"].encode()
        return web.Response(body=body, content_type="application/octet-stream")


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    stub = Upstream()
    application = web.Application()
    application.router.add_post("/v1/chat/completions", stub.model)
    application.router.add_post("/v1/embeddings", stub.no_entry)
    application.router.add_post("/traces", stub.collect)
    application.router.add_route("*", "/mcp", stub.no_entry)
    application.router.add_route("*", "/mcp-says-no", stub.mcp)
    application.router.add_get("/tool/file", stub.file)
    application.router.add_get("/tool/{status}", stub.tool)
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stub.port = runner.addresses[0][1]
    yield stub
    await runner.cleanup()


def tool(name: str, port: int, status: int | str) -> dict[str, Any]:
    return {
        "name": name,
        "description": "A probe.",
        "parameters": {"type": "object", "properties": {}},
        "annotations": {"read_only": True},
        "executor": {
            "kind": "http",
            "method": "GET",
            "url": f"http://127.0.0.1:{port}/tool/{status}",
            "headers": {"Authorization": "Bearer ${TOOL_HEADER}"},
        },
    }


def api(port: int) -> dict[str, Any]:
    """An OpenAPI document of one operation that echoes its keys, in header, query and `Authorization`."""
    operation = {"operationId": "echo", "responses": {"200": {"description": "It."}}}
    schemes = {
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "query": {"type": "apiKey", "in": "query", "name": "key"},
        "basic": {"type": "http", "scheme": "basic"},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": f"http://127.0.0.1:{port}"}],
        "security": [{name: [] for name in schemes}],
        "components": {"securitySchemes": schemes},
        "paths": {"/tool/200": {"get": operation}},
    }


def configured(folder: Path, port: int) -> Settings:
    tools = [tool("probe", port, 200), tool("refuses", port, 403), tool("breaks", port, 500)]
    tools.append(tool("file", port, "file"))
    says_no = f"http://127.0.0.1:{port}/mcp-says-no"
    shop = {"kind": "mcp", "name": "shop", "url": says_no, "headers": {"X-Key": "${MANIFEST_KEY}"}}
    tools.append(shop)
    (folder / "tools.yaml").write_text(yaml.safe_dump_all(tools), encoding="utf-8")
    (folder / "api.json").write_text(json.dumps(api(port)), encoding="utf-8")
    model = {"backend": "vllm", "model": "m", "context_tokens": 8000, "api_key": "${MODEL_KEY}"}
    model["base_url"] = f"http://127.0.0.1:{port}/v1"
    expert = {**model, "api_key": "${EXPERT_KEY}"}
    fallback, overflow = (
        {**model, "api_key": f"${{{each}_KEY}}"} for each in ("FALLBACK", "OVERFLOW")
    )
    embeddings = {"base_url": model["base_url"], "model": "e", "api_key": "${EMBEDDING_KEY}"}
    auth = {"key": "TOOL_API", "query": "TOOL_QUERY", "basic": "TOOL_BASIC"}
    document = {
        "models": {"intermediary": model, "expert": expert, "fallbacks": [fallback]},
        "tiers": {"overflow": {"model": overflow}},
        "tools": {
            "python": [],
            "retrieval": {"above": 1, "pinned": ["probe", "own_add"], "embeddings": embeddings},
            "manifests": ["tools.yaml"],
            "http": {"allow_private": True},
            "mcp_pins": "pins.json",
            "openapi": [{"name": "api", "spec": "api.json", "auth": auth}],
            "mcp": [
                {
                    "name": "crm",
                    "url": f"http://127.0.0.1:{port}/mcp",
                    "headers": {"Authorization": "Bearer ${MCP_KEY}"},
                },
                {
                    "name": "no",
                    "url": says_no,
                    "headers": {"Authorization": "Bearer ${MCP_TOKEN}"},
                },
                {
                    "name": "own",
                    "command": [sys.executable, str(MCP_SERVER), "stdio", str(folder / "log")],
                    "env": {"TOKEN": "${MCP_VARIABLE}", "VERSION": "${MCP_DESCRIPTION}"},
                    "effects": {"environment": "read"},
                },
            ],
        },
        "telemetry": {"otlp_endpoint": f"http://127.0.0.1:{port}/traces", "trace_content": True},
        "auth": {"enabled": True, "operator_key": "${OPERATOR_KEY}"},
        "storage": {"url": "sqlite:///gateway.db"},
    }
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_settings(path, environ=SECRETS)


def database(folder: Path) -> dict[str, str]:
    files = {each.name: each.read_bytes().decode("latin-1") for each in folder.glob("gateway.db*")}
    assert files
    return files


def unseen(where: str, text: str) -> None:
    for name, secret in SECRETS.items():
        encoded = {quote(secret, safe=""), quote_plus(secret), b64encode(secret.encode()).decode()}
        for each in {secret, json.dumps(secret)[1:-1], secret.rpartition(":")[2], *encoded}:
            assert each not in text, f"{name} is seen in {where}"


async def offered(services: Services, name: str) -> None:
    """Wait until a tool is registered."""
    changed = asyncio.Event()
    end = services.registry.on_change(changed.set)
    async with asyncio.timeout(120):
        while name not in {spec.name for spec in services.registry.snapshot().specs}:
            await changed.wait()
            changed.clear()
    end()


async def test_no_secret_is_seen_anywhere(
    tmp_path: Path,
    upstream: Upstream,
    listen: Callable[..., AbstractAsyncContextManager[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("TOOL_HEADER", "TOOL_API", "TOOL_BASIC", "TOOL_QUERY", "MANIFEST_KEY"):
        monkeypatch.setenv(name, SECRETS[name])
    caplog.set_level(logging.DEBUG)
    settings = configured(tmp_path, upstream.port)
    unseen("the settings", repr(settings) + str(settings) + settings.model_dump_json())
    services = build_services(settings)
    seen: dict[str, str] = {}
    async with listen(create_app(services), "on") as url:
        operator = {"Authorization": f"Bearer {SECRETS['OPERATOR_KEY']}"}
        async with httpx.AsyncClient(
            base_url=url, headers=operator, timeout=120, verify=False
        ) as http:
            await offered(services, "own_environment")
            asked = [{"role": "user", "content": "Go."}]
            ask = {"model": "intermediary", "messages": asked, "gateway": {"tools": ["*"]}}
            told = await http.post("/v1/chat/completions", json=ask)
            assert told.status_code == 200, told.text
            run_id = told.json()["gateway"]["run_id"]
            assert "you sent" in upstream.prompts[-1], "a tool ran, and the model read its result"
            seen["an answer"] = told.text
            for role in ("intermediary", "expert"):
                for upstream.broken in (400, 401, 429, 500):
                    broken = await http.post("/v1/chat/completions", json={**ask, "model": role})
                    assert broken.status_code >= 400
                    seen[f"an error of the {role} ({upstream.broken})"] = broken.text
            for name in ("probe", "refuses", "breaks", "echo", "file", "own_environment"):
                result = await http.post(f"/v1/tools/{name}/invoke", json={"arguments": {}})
                seen[f"the result of {name}"] = result.text
            for shown in (f"{SECRETS['OPERATOR_KEY']}x", SECRETS["CALLER_TOKEN"]):
                wrong = {"Authorization": f"Bearer {shown}"}
                refused = await http.get("/v1/runs", headers=wrong)
                assert refused.status_code == 401
                seen[f"a refusal of {shown}"] = refused.text
            for path in (f"/v1/runs/{run_id}", "/v1/runs", "/v1/tools", "/v1/tools/probe", "/metrics",
                         "/readyz", "/healthz", "/v1/models", "/openapi.json", f"/v1/runs/{run_id}/events", "/v1/stats",
                         "/v1/effects", "/v1/approvals", "/v1/keys", "/console", "/console/app.js", "/console/api.js"):  # fmt: skip
                seen[path] = (await http.get(path)).text
    assert any(SECRETS["MODEL_KEY"] in each for each in upstream.headers), "the model got its key"
    assert any(SECRETS["TOOL_HEADER"] in each for each in upstream.headers), (
        "the tool got its secret"
    )
    for name in ("TOOL_API", "MCP_KEY", "MCP_TOKEN", "MANIFEST_KEY", "EMBEDDING_KEY"):
        assert any(SECRETS[name] in each for each in upstream.headers), f"{name} was not used"
    told = json.loads(seen["the result of own_environment"])["content"]
    assert "TOKEN=***" in told, "the server over pipes has its secret, and told it"
    assert "Add two integers. ***" in "".join(upstream.prompts), "its description was offered"
    assert '"key":"***"' in seen["the result of echo"].replace('\\"', '"').replace(" ", "")
    assert "bytes" in seen["the result of file"]
    assert any("probe" in each for each in upstream.traces), "traces came, with content"
    seen["the traces"] = "".join(upstream.traces)
    seen["a prompt"] = "".join(upstream.prompts)
    seen["the logs"] = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    seen["the pins"] = (tmp_path / "pins.json").read_text(encoding="utf-8")
    seen |= database(tmp_path)
    for where, text in seen.items():
        unseen(where, text)


@pytest.mark.parametrize(
    "document",
    [
        {"storage": {"url": "postgresql://u:${DATABASE_PASSWORD}@127.0.0.1:9/x"}},
        {"storage": {"url": "mysql://u:${DATABASE_PASSWORD}@127.0.0.1/x"}},
        {"storage": {"url": "sqlite://${DATABASE_PASSWORD}"}},
        {"auth": {"enabled": True, "operator_key": "planted-"}},
        {"models": {"intermediary": {"backend": "vllm", "model": "m", "api_key": "${MODEL_KEY}"}}},
        {"models": {"intermediary": {"backend": "vllm", "model": "m", "api_key": ["${MODEL_KEY}"]}}},
        {"models": {"intermediary": {"backend": "vllm", "model": "m", "base_url": "x://u:${MODEL_PASSWORD}@h"}}},
        {"models": {"intermediary": {"backend": "vllm", "model": "m", "base_url": "http://u:${MODEL_PASSWORD}@h/v1"}}},
        {"tools": {"openapi": [{"name": "x", "spec": "http://u:${MODEL_PASSWORD}@127.0.0.1:9/"}]}},
        {"tools": {"openapi": [{"name": "x", "spec": "x.yaml", "base_url": "http://u:${MODEL_PASSWORD}@h/"}]}},
        {"telemetry": {"otlp_endpoint": "http://u:${MODEL_PASSWORD}@h/"}},
        {"storage": {"url": "postgresql://u:${ODD_PASSWORD}@127.0.0.1:9/x"}},
        {"storage": {"url": "postgresql://u:p@127.0.0.1:${ODD_PASSWORD}/x"}},
        {"storage": {"url": "postgresql://127.0.0.1:9/x?password=${ODD_PASSWORD}&port=y"}},
        {"tools": {"mcp": [{"name": "x", "url": "http://u:${MCP_KEY}@h/mcp"}]}},
        {"tools": {"mcp": [{"name": "x", "command": ["x"], "env": ["${MCP_VARIABLE}"]}]}},
        {"tools": {"mcp": [{"name": "x", "command": ["x"], "headers": {"a": "${MCP_KEY}"}}]}},
        {"tools": {"retrieval": {"embeddings": {"base_url": "http://u:${EMBEDDING_KEY}@h/", "model": "m"}}}},
        {"auth": {"jwt": {"issuer": "i", "audience": "a", "jwks_url": "https://u:${MODEL_PASSWORD}@h/"}}},
        {"auth": {"enabled": "${OPERATOR_KEY}"}},
        {"models": "${MODEL_KEY}"},
        {"server": {"port": "${MODEL_KEY}"}},
    ],
)  # fmt: skip
def test_a_mistake_in_the_configuration_is_told_without_the_secret(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump({"storage": {"url": "memory:"}, **document}), encoding="utf-8")
    with pytest.raises((SettingsError, CompositionError)) as raised:
        build_services(load_settings(path, environ=SECRETS))
    unseen("the error", f"{raised.value} {raised.value!r} {raised.value.__cause__}")


@pytest.mark.parametrize(
    "variable",
    ["MODELS__INTERMEDIARY__BACKEND", "SERVER__PORT", "STORAGE__URL", "NOTHING__LIKE_IT"],
)
def test_a_mistake_in_an_override_is_told_without_its_value(tmp_path: Path, variable: str) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("storage: {url: 'memory:'}", encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        load_settings(path, environ={f"GATEWAY__{variable}": SECRETS["MODEL_KEY"]})
    assert variable in str(raised.value)
    unseen("the error", f"{raised.value} {raised.value!r} {raised.value.__cause__}")
