"""A whole gateway over scripted models, served on a real socket, and clients that talk to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
)
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Literal

import httpx
import pytest
import uvicorn
from openai import AsyncOpenAI

from gateway.agent.loop import AgentLoop
from gateway.app import create_app
from gateway.services import Services
from policies.policy import Policy
from routing.backends.scripted import Item, ScriptedBackend
from routing.router import Member, Price, Router
from tests.stage import ADD, spec
from tools.errors import ToolFailed
from tools.executor import CallContext
from tools.registry import Registry
from tools.spec import ValidCall

WAIT = spec("wait", {}, read_only=True)


@dataclass
class Tools:
    """Runs `add` and `wait`; a `wait` says that it has begun, and is recorded when it is cut."""

    log: list[str] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    cut: asyncio.Event = field(default_factory=asyncio.Event)

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        self.log.append(call.name)
        if call.name == "wait":
            self.waiting.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cut.set()
        if call.arguments["a"] == 13:
            raise ToolFailed("13 is bad luck")
        return {"sum": call.arguments["a"] + call.arguments["b"]}


@dataclass
class Gateway:
    """A served gateway: its address, its clients, and the twins behind it."""

    url: str
    services: Services
    tools: Tools
    intermediary: ScriptedBackend
    expert: ScriptedBackend | None
    http: httpx.AsyncClient
    openai: AsyncOpenAI

    async def chat(self, content: str = "Go.", **body: Any) -> httpx.Response:
        """One chat request over plain HTTP."""
        messages = body.pop("messages", [{"role": "user", "content": content}])
        whole = {"model": "gateway", "messages": messages, **body}
        return await self.http.post("/v1/chat/completions", json=whole)

    async def run(self, run_id: str) -> dict[str, Any]:
        """A run's trace."""
        return (await self.http.get(f"/v1/runs/{run_id}")).json()

    async def ended(self, run_id: str) -> dict[str, Any]:
        """The trace of a run once it has ended."""
        log = await self.services.store.get("default", run_id)
        assert log is not None
        async with aclosing(log.follow()) as events:
            async for _ in events:
                pass
        return await self.run(run_id)

    async def newest_run(self) -> str:
        [log] = await self.services.store.recent("default", 1)
        return log.run_id


Serve = Callable[..., Awaitable[Gateway]]


def build(
    script: Iterable[Item],
    expert: Iterable[Item] | None = None,
    policies: Policy | None = None,
    **services: Any,
) -> tuple[Services, Tools]:
    """Services over scripted models and two tools."""
    tools, registry = Tools(), Registry()
    for each in (ADD, WAIT):
        registry.register(each, tools)
    models = {"intermediary": ScriptedBackend(script, name="small", model="small")}
    members = {"intermediary": Member(models["intermediary"], Price(0.1, 0.1))}
    if expert is not None:
        models["expert"] = ScriptedBackend(expert, name="large", model="large")
        members["expert"] = Member(models["expert"], Price(2.0, 6.0))
    rules = policies or Policy()
    router = Router(members["intermediary"], members.get("expert"))
    own: dict[str, Any] = {
        name: services.get(name) for name in ("writes", "till", "durable", "files")
    }
    loop = AgentLoop(router, registry, rules, **own)
    built = Services(
        loop=loop,
        registry=registry,
        models=models,
        policies=rules,
        version="test",
        closers=(loop.aclose, *services.pop("closers", ())),
        **services,
    )
    return built, tools


@asynccontextmanager
async def listening(app: Any, lifespan: Literal["on", "off"] = "off") -> AsyncGenerator[str]:
    """Serve an ASGI application on a free port; gives its URL."""
    bound = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, ws="websockets-sansio", lifespan=lifespan)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[bound])
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        # what `server.shutdown()` does, without its tenth of a second of sleep
        for each in server.servers:
            each.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await asyncio.gather(*server.server_state.tasks)
        await server.lifespan.shutdown()


@pytest.fixture
def listen() -> Callable[[Any], AbstractAsyncContextManager[str]]:
    """Serve an application of the test's own: `async with listen(app) as url`."""
    return listening


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a gateway on a free port: `await serve(script, expert=…, policies=…)`."""
    async with AsyncExitStack() as stack:

        async def start(script: Iterable[Item] = (), **options: Any) -> Gateway:
            services, tools = build(script, **options)
            url = await stack.enter_async_context(listening(create_app(services), "on"))
            # plain HTTP: loading certificates would take longer than the tests
            http = httpx.AsyncClient(base_url=url, timeout=60, verify=False)
            await stack.enter_async_context(http)
            openai = AsyncOpenAI(
                base_url=f"{url}/v1",
                api_key="none",
                max_retries=0,
                http_client=httpx.AsyncClient(timeout=60, verify=False),
            )
            await stack.enter_async_context(openai)
            expert = services.models.get("expert")
            intermediary = services.models["intermediary"]
            assert isinstance(intermediary, ScriptedBackend)
            assert expert is None or isinstance(expert, ScriptedBackend)
            return Gateway(url, services, tools, intermediary, expert, http, openai)

        yield start


@pytest.fixture
def scripted() -> Callable[[], Services]:
    """Makes services whose models say "Hi." for ever, for tests that bring their own loop."""
    return lambda: build(repeat("Hi."), expert=repeat("Hi."))[0]
