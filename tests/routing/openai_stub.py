"""An OpenAI-compatible server for tests: plays prepared answers and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from mistral_common.protocol.instruct.messages import UserMessage
from mistral_common.protocol.instruct.tool_calls import Function, Tool

from routing.backend import Completion, ModelBackend, TextDelta, Turn

TOOL = Tool(
    function=Function(
        name="get_weather",
        description="The weather in a city.",
        parameters={
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    )
)


def a_turn(**fields: Any) -> Turn:
    return Turn(messages=[UserMessage(content="hello")], **fields)


async def played(backend: ModelBackend, turn: Turn) -> tuple[str, Completion]:
    """The streamed text and the completion; they must agree."""
    items = [item async for item in backend.stream(turn)]
    completion = items[-1]
    assert isinstance(completion, Completion)
    text = "".join(item.text for item in items[:-1] if isinstance(item, TextDelta))
    assert text == completion.text
    return text, completion


def event(data: object) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: dict[str, Any] | None = None, **choice: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, **choice}]
    whole: dict[str, Any] = {"id": "x", "object": "chat.completion.chunk", "model": "m"}
    return event({**whole, "choices": choices})


def text(content: str, **choice: Any) -> bytes:
    return chunk({"content": content}, **choice)


def call(
    index: int | None, call_id: str = "", name: str = "", arguments: str = ""
) -> dict[str, Any]:
    function = {k: v for k, v in (("name", name), ("arguments", arguments)) if v}
    wire = {"index": index, "id": call_id, "type": "function", "function": function}
    return {key: value for key, value in wire.items() if value not in (None, "")}


def calls(*wire: dict[str, Any], **choice: Any) -> bytes:
    return chunk({"tool_calls": list(wire)}, **choice)


def finish(reason: str) -> bytes:
    return chunk({}, finish_reason=reason)


def usage(prompt: int = 7, completion: int = 3) -> bytes:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return event({"model": "m", "choices": [], "usage": counts})


DONE = b"data: [DONE]\n\n"
HELLO = (text("Hel"), text("lo"), finish("stop"), usage(), DONE)


@dataclass
class Reply:
    """One answer. `parts` are sent one by one, each after the event of its index in `holds`."""

    parts: Sequence[bytes] = HELLO
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    holds: dict[int, asyncio.Event] = field(default_factory=dict[int, asyncio.Event])
    cut: bool = False


@dataclass
class Stub:
    """`replies` are played in order, the last one again and again."""

    replies: list[Reply]
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    clients: set[object] = field(default_factory=set[object])
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: asyncio.Event = field(default_factory=asyncio.Event)
    healthy: bool = True
    models: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    url: str = ""
    metrics: str = ""
    read: asyncio.Condition = field(default_factory=asyncio.Condition)
    readings: int = 0

    async def reads(self, times: int) -> None:
        """Return when the metrics were asked for `times` times more."""
        until = self.readings + times
        async with self.read:
            await self.read.wait_for(lambda: self.readings >= until)

    async def told(self, _request: web.Request) -> web.Response:
        async with self.read:
            self.readings += 1
            self.read.notify_all()
        return web.Response(text=self.metrics, status=200 if self.metrics else 404)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        if request.transport is not None:
            self.clients.add(request.transport.get_extra_info("peername"))
        reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        response.content_type = "text/event-stream" if reply.status == 200 else "application/json"
        try:
            await response.prepare(request)
            self.asked.set()
            for index, part in enumerate(reply.parts):
                if hold := reply.holds.get(index):
                    await hold.wait()
                await response.write(part)
            if hold := reply.holds.get(len(reply.parts)):
                await hold.wait()
        except (asyncio.CancelledError, ConnectionError):
            self.dropped.set()
            raise
        if reply.cut:
            assert request.transport is not None
            request.transport.abort()
        return response

    async def health(self, _request: web.Request) -> web.Response:
        return web.Response(status=200 if self.healthy else 503)

    async def listed(self, _request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": self.models})


@asynccontextmanager
async def running(*replies: Reply) -> AsyncGenerator[Stub, None]:
    stub = Stub([*replies] or [Reply()])
    app = web.Application()
    app.router.add_post("/v1/chat/completions", stub.answer)
    app.router.add_get("/v1/models", stub.listed)
    app.router.add_get("/health", stub.health)
    app.router.add_get("/metrics", stub.told)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    stub.url = f"http://{host}:{port}/v1"
    try:
        yield stub
    finally:
        await runner.cleanup()
