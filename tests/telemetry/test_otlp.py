"""A configured gateway's traces on their way: through a real collector, to what decodes them, and over
the headers that models and tools are sent."""

from __future__ import annotations

import asyncio
import gzip
import sysconfig
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from gateway.app import create_app
from gateway.compose import build_services
from gateway.settings import load_settings
from tests.gateway.conftest import listening
from tests.peers import accepting, free_port, running
from tests.routing.openai_stub import DONE, HELLO, Reply, Stub, call, calls, finish, usage
from tests.routing.openai_stub import running as engine

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CALLING = (
    calls(call(0, "abcdefghi", "probe", "{}")),
    finish("tool_calls"),
    usage(prompt=50, completion=7),
    DONE,
)

_PATIENCE_S = 60.0


@dataclass
class Backend:
    """Where traces are kept, and a tool on the same port."""

    port: int = 0
    received: list[ResourceSpans] = field(default_factory=list[ResourceSpans])
    tool_was_sent: list[str] = field(default_factory=list[str])
    came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def spans(self) -> list[Span]:
        return [span for each in self.received for of in each.scope_spans for span in of.spans]

    async def has(self, spans: int) -> None:
        """Return when so many have come: a collector sends them on in its own time."""
        async with asyncio.timeout(_PATIENCE_S):
            while len(self.spans) < spans:
                self.came.clear()
                await self.came.wait()

    def one(self, name: str) -> Span:
        [found] = [span for span in self.spans if span.name == name]
        return found

    async def collect(self, request: web.Request) -> web.Response:
        body = await request.read()
        if body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        self.received += ExportTraceServiceRequest.FromString(body).resource_spans
        self.came.set()
        return web.Response(content_type="application/x-protobuf")

    async def probe(self, request: web.Request) -> web.Response:
        self.tool_was_sent.append(request.headers.get("traceparent", ""))
        return web.json_response({"ok": True})


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    made, app = Backend(), web.Application()
    app.add_routes([web.post("/v1/traces", made.collect), web.get("/probe", made.probe)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


@asynccontextmanager
async def collector(sends_to: int, folder: Path) -> AsyncGenerator[int]:
    """Rotel, an OpenTelemetry collector; gives the port on which it takes OTLP over HTTP."""
    found = find_spec("rotel")
    if found is None or found.origin is None:
        pytest.skip("NOT RUN: no collector here; uv sync --inexact --all-extras --group collector")
    port = free_port()
    command: list[str | Path] = [Path(found.origin).parent / "rotel-agent", "start"]
    command += ["--otlp-http-endpoint", f"127.0.0.1:{port}", "--disable-batching"]
    command += ["--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}"]
    command += ["--exporter", "otlp", "--otlp-exporter-protocol", "http"]
    command += ["--otlp-exporter-endpoint", f"http://127.0.0.1:{sends_to}"]
    # It is linked to this Python's library, which the linker knows only where the system installed it.
    libraries = {"LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}
    with running(command, folder / "collector.log", libraries):
        await accepting(port)
        yield port


async def ask(stub: Stub, tool: int, endpoint: str, folder: Path) -> None:
    """One traced request of a client to a gateway that is configured as an operator does it."""
    executor = {"kind": "http", "method": "GET", "url": f"http://127.0.0.1:{tool}/probe"}
    probe: dict[str, Any] = {"name": "probe", "description": "A probe.", "executor": executor}
    probe |= {"parameters": {"type": "object"}, "annotations": {"read_only": True}}
    (folder / "probe.yaml").write_text(yaml.safe_dump(probe), encoding="utf-8")
    model = {"backend": "vllm", "model": "m", "base_url": stub.url, "context_tokens": 8000}
    document = {
        "models": {"intermediary": model},
        "tools": {"python": [], "manifests": ["probe.yaml"], "http": {"allow_private": True}},
        "telemetry": {"otlp_endpoint": endpoint},
        "storage": {"url": "memory:"},
    }
    (folder / "gateway.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    services = build_services(load_settings(folder / "gateway.yaml", environ={}))
    async with (
        listening(create_app(services), "on") as url,
        httpx.AsyncClient(base_url=url, headers={"traceparent": PARENT}, verify=False) as http,
    ):
        body = {"model": "gateway", "messages": [{"role": "user", "content": "Hi."}]}
        answer = await http.post("/v1/chat/completions", json=body)
        assert answer.json()["choices"][0]["message"]["content"] == "Hello"


def told(span: Span | ResourceSpans) -> dict[str, Any]:
    """The attributes of a span, or of who sent it."""
    pairs = span.attributes if isinstance(span, Span) else span.resource.attributes
    return {pair.key: plain(pair.value) for pair in pairs}


def plain(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case "array_value":
            return [plain(each) for each in value.array_value.values]
        case str() as kind:
            return getattr(value, kind)
        case None:
            return None


async def test_traces_reach_a_real_collector_with_the_attributes_of_the_conventions(
    backend: Backend, tmp_path: Path
) -> None:
    async with (
        engine(Reply(CALLING), Reply(HELLO)) as stub,
        collector(backend.port, tmp_path) as port,
    ):
        await ask(stub, backend.port, f"http://127.0.0.1:{port}/v1/traces", tmp_path)
        await backend.has(4)
    assert told(backend.received[0])["service.name"] == "agentic-gateway"
    agent, tool = backend.one("invoke_agent gateway"), backend.one("execute_tool probe")
    first, second = sorted(
        (span for span in backend.spans if span.name == "chat m"),
        key=lambda span: span.start_time_unix_nano,
    )
    assert len(backend.spans) == 4
    assert {span.trace_id.hex() for span in backend.spans} == {PARENT.split("-")[1]}
    assert agent.parent_span_id.hex() == PARENT.split("-")[2]
    assert {span.parent_span_id for span in (first, second, tool)} == {agent.span_id}
    assert told(agent).items() >= {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "gateway",
        "gen_ai.usage.input_tokens": 57,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.response.finish_reasons": ["answer"],
    }.items()  # fmt: skip
    assert (
        told(first).items()
        >= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "vllm",
            "gen_ai.request.model": "m",
            "gen_ai.response.finish_reasons": ["tool_calls"],
            "gen_ai.usage.input_tokens": 50,
            "gen_ai.usage.output_tokens": 7,
        }.items()
    )
    assert told(second)["gen_ai.response.finish_reasons"] == ["stop"]
    assert (
        told(tool).items()
        >= {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "probe",
            "gen_ai.tool.type": "function",
        }.items()
    )
    assert [first.kind, agent.kind] == [Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_INTERNAL]


async def test_the_engine_is_sent_the_span_of_its_turn_and_the_tool_that_of_its_call(
    backend: Backend, tmp_path: Path
) -> None:
    async with engine(Reply(CALLING), Reply(HELLO)) as stub:
        endpoint = f"http://127.0.0.1:{backend.port}/v1/traces"
        await ask(stub, backend.port, endpoint, tmp_path)
    turns = [span for span in backend.spans if span.name == "chat m"]
    sent = [headers["traceparent"].split("-")[2] for headers in stub.headers]
    assert len(sent) == 2
    assert set(sent) == {span.span_id.hex() for span in turns}
    [to_tool] = backend.tool_was_sent
    assert to_tool.split("-")[1] == PARENT.split("-")[1]
    assert to_tool.split("-")[2] == backend.one("execute_tool probe").span_id.hex()
