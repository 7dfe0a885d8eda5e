"""Talking to a loaded `LlamaEngine`: one request, one stream of chunks, errors in our own terms.

Each request has a connection of its own: the engine closes it behind a stream, and our closing it is
what stops a generation and frees its slot.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

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
from routing.http1 import Answer, CutShort, HttpClient, HttpError, end_of_wait
from routing.http1.origin import Origin
from routing.sse import SseDecoder

Chunk = dict[str, Any]

_OK = 200
_SERVER_ERROR = 500
_MOST_TOLD = 65_536
"""Bytes of a refusal that are read."""


class LlamaClient:
    """Requests to one engine. `stall_s` bounds each wait, queueing for a slot included, in seconds."""

    def __init__(self, endpoint: Endpoint, *, stall_s: float) -> None:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {endpoint.key}"}
        self._http = HttpClient(Origin.of(endpoint.url), headers, kept=0)
        self._stall_s = stall_s

    async def aclose(self) -> None:
        """Cut what still runs, and return when its connections are closed."""
        await self._http.aclose()

    async def healthy(self) -> bool:
        try:
            answer = await self._http.get("/health", end_of_wait(self._stall_s))
        except HttpError:
            return False
        answer.release()
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
            body = orjson.dumps(request)
            until = end_of_wait(self._stall_s, deadline)
            answer = await self._http.post("/completion", body, until)
            try:
                if answer.status != _OK:
                    raise await self._refused(answer, deadline)
                while True:
                    data = await answer.read(end_of_wait(self._stall_s, deadline))
                    for event in events.feed(data) if data else events.finish():
                        yield _decoded(event)
                    if not data:
                        return
            finally:
                answer.release()
        except TimeoutError as error:
            raise BackendTimeout("no further token from llama.cpp in time") from error
        except HttpError as error:
            raise BackendUnavailable(f"llama.cpp's answer broke off: {error}") from error

    async def _refused(self, answer: Answer, deadline: float | None) -> BackendError:
        try:
            body = await answer.read_all(_MOST_TOLD, end_of_wait(self._stall_s, deadline))
        except CutShort:
            body = b""  # the status says enough
        return _refusal(answer.status, body)


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
