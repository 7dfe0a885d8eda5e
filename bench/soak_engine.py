"""A scripted engine behind real sockets, in vLLM's dialect: the last message tells what it does.

`weather` in it calls a tool that works, `break` one that does not, `cut` breaks the connection in the
middle. Then it answers in pieces, a few milliseconds apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

_PIECES = [f"word{number} " for number in range(12)]
_PAUSE_S = 0.005
_HOWS = ("refuses", "unavailable", "mistaken")


class Engine:
    """`asked` counts turns; `dropped` those whose reader left."""

    def __init__(self) -> None:
        self.asked = 0
        self.dropped = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One turn, streamed."""
        asked = orjson.loads(await request.read())
        self.asked += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        try:
            await response.prepare(request)
            await self._say(request, response, asked["messages"][-1])
        except ConnectionError:
            self.dropped += 1
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        return response

    async def _say(
        self, request: web.Request, response: web.StreamResponse, last: dict[str, Any]
    ) -> None:
        said = str(last["content"]) if last["role"] == "user" else ""
        if "weather" in said or "break" in said:
            name = "get_weather" if "weather" in said else "break_down"
            how = _HOWS[self.asked % len(_HOWS)]
            arguments = {"city": "Lyon"} if name == "get_weather" else {"how": how}
            text = orjson.dumps(arguments).decode()
            function = {"name": name, "arguments": text}
            wire = {"index": 0, "id": "abcdefghi", "type": "function", "function": function}
            await response.write(_chunk({"tool_calls": [wire]}, None))
            await response.write(_chunk({}, "tool_calls"))
        else:
            for number, piece in enumerate(_PIECES):
                await asyncio.sleep(_PAUSE_S)
                if number == len(_PIECES) // 2 and "cut" in said:
                    if request.transport is not None:
                        request.transport.abort()
                    raise ConnectionResetError
                await response.write(_chunk({"content": piece}, None))
            await response.write(_chunk({}, "stop"))
        usage = {"prompt_tokens": 100, "completion_tokens": 20}
        await response.write(_data({"model": "m", "choices": [], "usage": usage}))
        await response.write(b"data: [DONE]\n\n")


def _chunk(delta: dict[str, Any], reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return _data({"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def _data(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


@asynccontextmanager
async def serving(engine: Engine) -> AsyncGenerator[int]:
    """Serve it; gives its port. Connections that nobody uses are closed after a second."""
    app = web.Application()

    async def health(_request: web.Request) -> web.Response:
        return web.Response()

    app.add_routes([web.post("/v1/chat/completions", engine.answer), web.get("/health", health)])
    runner = web.AppRunner(app, handler_cancellation=True, keepalive_timeout=1, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=512).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
