"""Two gateways as processes of their own, over one PostgreSQL, behind a real nginx."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import yaml
from aiohttp import web

from tests.peers import accepting, free_port, program, running
from tests.routing.openai_stub import DONE, call, calls, finish, text, usage

ROOT = Path(__file__).parents[2]
OPERATOR = "operator-key-of-two-replicas-0123456789"
NAMES = ("gateway-1", "gateway-2")
_WORDS = "It is forty-two, and this is said in some more words than it takes.".split()

_NGINX = """
user root;
pid {folder}/nginx.pid;
daemon off;
worker_processes 1;
error_log {folder}/nginx-error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/gateway.conf;
}}
"""


@dataclass
class Model:
    """Calls `calculate` once in a run and then answers, word by word. `pace_s` is between two pieces.

    While `goes_on` is cleared, an answer stops after three words.
    """

    pace_s: float = 0.01
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        asked = orjson.loads(await request.read())
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            if asked["messages"][-1]["role"] == "tool" or not asked.get("tools"):
                for number, word in enumerate(_WORDS):
                    await asyncio.sleep(self.pace_s)
                    if number == 3:
                        await self.goes_on.wait()
                    await response.write(text(f"{word} "))
                await response.write(finish("stop"))
            else:
                await asyncio.sleep(self.pace_s)
                wire = call(0, "abcdefghi", "calculate", '{"expression": "6 * 7"}')
                await response.write(calls(wire))
                await response.write(finish("tool_calls"))
            await response.write(usage(prompt=100, completion=20))
            await response.write(DONE)
        except ConnectionError:  # a gateway that was killed
            pass
        return response


@dataclass
class Replicas:
    """`replicas` are asked directly, `front` is nginx. `policies` is the Cedar file of both."""

    folder: Path
    config: Path
    policies: Path
    model: Model
    front: httpx.AsyncClient
    ports: Mapping[str, int]
    replicas: dict[str, httpx.AsyncClient] = field(default_factory=dict[str, httpx.AsyncClient])
    processes: dict[str, subprocess.Popen[bytes]] = field(
        default_factory=dict[str, "subprocess.Popen[bytes]"]
    )
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self, name: str) -> None:
        """Start a replica; `ready` waits for it."""
        main = "from gateway.cli import main; main()"
        command = [sys.executable, "-c", main, "serve", "--config", self.config]
        command += ["--port", str(self.ports[name])]
        environment = {"GATEWAY__TOOLS__NOTES_PATH": str(self.folder / f"{name}.db")}
        log = self.folder / f"{name}.log"
        self.processes[name] = self.stack.enter_context(running(command, log, environment))

    async def ready(self, name: str) -> None:
        """Return once a replica answers."""
        await accepting(self.ports[name], patience_s=60)
        answer = await self.replicas[name].get("/healthz")
        assert answer.status_code == 200, (self.folder / f"{name}.log").read_text()

    def kill(self, name: str) -> None:
        """As the kernel does it when memory ends."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()


def _configuration(folder: Path, model: int, database: str) -> dict[str, Any]:
    engine = {"backend": "vllm", "model": "m", "base_url": f"http://127.0.0.1:{model}/v1"}
    price = {"input_per_million": 10.0, "output_per_million": 10.0}
    return {
        "models": {"intermediary": {**engine, "context_tokens": 8000, "price": price}},
        "tools": {"python": ["tools.builtin"]},
        "storage": {"url": database},
        "auth": {"enabled": True, "operator_key": OPERATOR},
        "schedules": {"min_interval_s": 1.0},
        "policies": {"cedar": str(folder / "rules.cedar")},
        "budgets": [{"name": "small", "usd": 1.0, "per": "tenant", "every": "month", "tenants": ["small"]}],
    }  # fmt: skip


@asynccontextmanager
async def _engine(model: Model) -> AsyncGenerator[int]:
    async def health(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", model.answer), web.get("/health", health)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _nginx(folder: Path, port: int, ports: Mapping[str, int]) -> None:
    """The deployed configuration, at the addresses of this test."""
    conf = (ROOT / "deploy/nginx/gateway.conf").read_text(encoding="utf-8")
    conf = conf.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    for name, at in ports.items():
        assert f"server {name}:8080" in conf
        conf = conf.replace(f"server {name}:8080", f"server 127.0.0.1:{at}")
    (folder / "gateway.conf").write_text(conf, encoding="utf-8")
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder), encoding="utf-8")


@asynccontextmanager
async def serving(folder: Path, database: str) -> AsyncGenerator[Replicas]:
    """Both replicas and nginx, ready."""
    nginx, model = program("nginx"), Model()
    model.goes_on.set()
    ports, front = {name: free_port() for name in NAMES}, free_port()
    policies = folder / "rules.cedar"
    policies.write_text((ROOT / "policies/default.cedar").read_text(), encoding="utf-8")
    _nginx(folder, front, ports)
    config = folder / "gateway.yaml"
    async with AsyncExitStack() as opened:
        engine = await opened.enter_async_context(_engine(model))
        config.write_text(yaml.safe_dump(_configuration(folder, engine, database)))

        async def client(port: int) -> httpx.AsyncClient:
            return await opened.enter_async_context(
                httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{port}",
                    headers={"Authorization": f"Bearer {OPERATOR}"},
                    timeout=60,
                    limits=httpx.Limits(max_connections=None),
                    verify=False,
                )
            )

        clients = {name: await client(port) for name, port in ports.items()}
        made = Replicas(folder, config, policies, model, await client(front), ports, clients)
        opened.enter_context(made.stack)
        for name in NAMES:
            made.start(name)
        made.stack.enter_context(
            running([nginx, "-c", folder / "nginx.conf", "-p", folder], folder / "nginx.log")
        )
        for name in NAMES:
            await made.ready(name)
        await accepting(front)
        yield made
