"""The little ASGI that the hot route needs: read a body within bounds, send bytes, notice who left.

Starlette's own request and response objects do the same for every other route.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import orjson
from starlette.types import Receive, Scope, Send

from gateway.api.errors import Answer, ApiError
from gateway.live import Stop

Headers = list[tuple[bytes, bytes]]

_WATCHED_AFTER_S = 0.02
"""A run that is over sooner is not watched: a task a request is a tenth of what a request costs."""
JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")


class ClientGone(Exception):
    """The client left before its request was read."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return value
    return None


def require_json(scope: Scope) -> None:
    """Refuse a body that is not declared as JSON.

    A web page may send any other type to a gateway on localhost without asking the browser's leave.
    """
    kind = (header(scope, b"content-type") or b"").split(b";")[0].strip().lower()
    if kind != b"application/json" and not kind.endswith(b"+json"):
        raise ApiError(415, "send the header content-type: application/json", code="not_json")


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body; 413 as soon as it is known to be longer than `limit` bytes."""
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(limit: int) -> ApiError:
    return ApiError(413, f"the body is larger than {limit} bytes", code="body_too_large")


def parse_object(body: bytes) -> dict[str, object]:
    """The JSON object in a body. Not JSON, not UTF-8, NaN, nested too deep, no object: 400."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"the body is no JSON: {error}", code="invalid_json") from error
    if not isinstance(parsed, dict):
        raise ApiError(400, "the body has to be a JSON object", code="invalid_json")
    return parsed  # pyright: ignore[reportUnknownVariableType]


async def send_bytes(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """One whole response."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, answer: Answer, headers: Headers | None = None) -> None:
    """An error in the surface's shape."""
    extra = [*(headers or []), JSON, *answer.headers]
    if answer.retry_after_s is not None:
        extra.append((b"retry-after", str(answer.retry_after_s).encode()))
    await send_bytes(send, answer.status, answer.body(), extra)


class StopWhenGone(Stop):
    """A scope whose body ends when the client leaves, too; then `Stopped("disconnected")` is raised.

    The body of the request has to have been read.
    """

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self._receive = receive
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._timer = asyncio.get_running_loop().call_later(_WATCHED_AFTER_S, self._begin)
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None  # which knows this scope: the two would wait for the collector
        super().__exit__(kind, error, traceback)

    def _begin(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self("disconnected")
