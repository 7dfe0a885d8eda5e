"""The ASGI end of `/mcp`: who may ask, how much they may send, and when the SDK is brought in.

The SDK's manager owns tasks and has to be entered and left by one task. That is the life, begun by
the application's start and waiting until somebody asks for MCP; a gateway that nobody asks never
imports it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.types import Message, Receive, Scope, Send

from gateway.api.asgi import ClientGone, StopWhenGone, read_body, require_json
from gateway.api.origin import require_own_origin
from gateway.live import Stopped
from gateway.services import Services

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
Serving = Callable[[Services], AbstractAsyncContextManager[Handler]]


class _Life:
    """What is between the requests and the task that owns the SDK's manager."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._wanted: asyncio.Future[Serving] = asyncio.get_running_loop().create_future()
        self._ready = asyncio.Event()
        self._handler: Handler | None = None

    async def run(self) -> None:
        serving = await self._wanted
        async with serving(self.services) as self._handler:
            self._ready.set()
            await asyncio.Event().wait()

    async def handler(self) -> Handler:
        """The SDK's side, brought in by the first who asks."""
        if self._handler is None:
            serving = await asyncio.to_thread(_import)
            if not self._wanted.done():
                self._wanted.set_result(serving)
            await self._ready.wait()
        if self._handler is None:
            raise RuntimeError("MCP is asked for after its end")
        return self._handler


class McpEndpoint:
    """`POST /mcp`. One for an application; serves between the two ends of `open`."""

    def __init__(self) -> None:
        self._life: _Life | None = None

    @asynccontextmanager
    async def open(self, services: Services) -> AsyncGenerator[None]:
        """The time in which requests are served."""
        self._life = _Life(services)
        owner = asyncio.create_task(self._life.run())
        try:
            yield
        finally:
            self._life = None
            owner.cancel()
            await asyncio.wait({owner})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a client that leaves cancels its call."""
        if self._life is None:
            raise RuntimeError("the application has not been started")
        require_own_origin(scope)
        require_json(scope)
        try:
            body = await read_body(scope, receive, self._life.services.max_body_bytes)
            with StopWhenGone(receive):
                handler = await self._life.handler()
                await handler(scope, _replay(body), send)
        except (ClientGone, Stopped):
            return


def _import() -> Serving:
    from gateway.api.mcp.server import serving

    return serving


def _replay(body: bytes) -> Receive:
    """The body once more. What comes after it never comes: the connection is watched elsewhere."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        return await asyncio.get_running_loop().create_future()

    return receive
