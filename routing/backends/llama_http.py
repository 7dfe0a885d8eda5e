"""Talking to a loaded `LlamaEngine`: one request, one stream of chunks, errors in our own terms.

Each request has a connection of its own: the engine closes it behind a stream, and our closing it is
what stops a generation and frees its slot.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Any

import aiohttp
import orjson

from routing.backends.llama_engine import Endpoint
from routing.backends.llama_grammar import PROBE_TOKEN, probe
from routing.errors import (
    BackendError,
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)
from routing.sse import SseDecoder

Chunk = dict[str, Any]

_OK = 200
_SERVER_ERROR = 500


class LlamaClient:
    """Requests to one engine. `stall_s` bounds each wait, queueing for a slot included, in seconds."""

    def __init__(self, endpoint: Endpoint, *, stall_s: float) -> None:
        self._endpoint = endpoint
        self._stall_s = stall_s

    async def healthy(self) -> bool:
        async with (
            self._session() as session,
            session.get(f"{self._endpoint.url}/health") as answer,
        ):
            return answer.status == _OK

    async def obeys(self, grammar: str, deadline: float | None) -> bool:
        """Whether the engine takes `grammar`; one it does not take, it ignores. Some 3 ms."""
        request: Chunk = {
            "prompt": [1],
            "n_predict": 1,
            "grammar": probe(grammar),
            "stream": True,
            "return_tokens": True,
            "cache_prompt": False,
            "response_fields": ["stop"],
        }
        async with aclosing(self.chunks(request, deadline)) as chunks:
            tokens = [token async for chunk in chunks for token in chunk.get("tokens", ())]
        return tokens[:1] == [PROBE_TOKEN]

    async def chunks(self, request: Chunk, deadline: float | None) -> AsyncGenerator[Chunk, None]:
        """The engine's answer to a streaming `/completion`; closing this stops the engine.

        Raises `BackendTimeout`, `BackendUnavailable`, `BackendRejected` or `BackendProtocolError`.
        """
        events = SseDecoder()
        try:
            async with AsyncExitStack() as stack:
                session = await stack.enter_async_context(self._session())
                async with self._bound(deadline):
                    response = await stack.enter_async_context(
                        session.post(
                            f"{self._endpoint.url}/completion",
                            data=orjson.dumps(request),
                            headers={"Content-Type": "application/json"},
                        )
                    )
                if response.status != _OK:
                    async with self._bound(deadline):
                        raise _refusal(response.status, await response.read())
                while True:
                    async with self._bound(deadline):
                        data = await response.content.readany()
                    for event in events.feed(data) if data else events.finish():
                        yield _decoded(event)
                    if not data:
                        return
        except TimeoutError as error:
            raise BackendTimeout("no further token from llama.cpp in time") from error
        except aiohttp.ClientError as error:
            raise BackendUnavailable(f"llama.cpp's answer broke off: {error}") from error

    def _bound(self, deadline: float | None) -> asyncio.Timeout:
        stalled = asyncio.get_running_loop().time() + self._stall_s
        return asyncio.timeout_at(stalled if deadline is None else min(stalled, deadline))

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            headers={"Authorization": f"Bearer {self._endpoint.key}"},
            timeout=aiohttp.ClientTimeout(total=None),
        )


def _refusal(status: int, body: bytes) -> BackendError:
    try:
        error = orjson.loads(body)["error"]
        message, kind = str(error["message"]), str(error["type"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        message, kind = body[:500].decode(errors="replace"), ""
    if kind == "exceed_context_size_error":
        return ContextTooLong(message)
    if status >= _SERVER_ERROR:
        return BackendUnavailable(f"llama.cpp failed ({status}): {message}")
    return BackendRejected(f"llama.cpp refused the request: {message}", status=status)


def _decoded(event: bytes) -> Chunk:
    try:
        chunk: Chunk = orjson.loads(event)
    except orjson.JSONDecodeError as error:
        raise BackendProtocolError("llama.cpp sent an event that is no JSON") from error
    if "error" in chunk:
        raise BackendProtocolError(f"llama.cpp failed in the middle of an answer: {chunk['error']}")
    return chunk
