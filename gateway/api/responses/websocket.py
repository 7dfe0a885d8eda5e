"""`/v1/responses` as a WebSocket: a turn is a message, its events are messages, one after the other.

A client sends `{"type": "response.create", …}` with the body of a `POST`; what comes back are the events
of a stream with their sequence numbers. One response is made at a time, further messages wait in order.
An error before a response has content is `{"type": "error", "status", "error": {…}}`, and the socket
stays open.

The last response is kept in the connection, so that `previous_response_id` continues it here (and
nowhere else) although it was not stored; a continuation of it that fails drops it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from gateway.api.asgi import parse_object
from gateway.api.auth import authenticate
from gateway.api.encoding import encode
from gateway.api.errors import Answer, ApiError
from gateway.api.origin import require_own_origin
from gateway.api.responses.creation import opens, prepare, respond
from gateway.api.responses.live import LiveResponses
from gateway.api.responses.output import Event
from gateway.api.responses.request import ResponseRequest, parse_request
from gateway.api.responses.told import told
from gateway.live import Stopped
from gateway.services import Services
from gateway.storage.items import Item

LASTS_S = 60 * 60.0
"""A connection's longest life, in seconds."""
_MOST_WAITING = 16
_REFUSED, _OVER = 1008, 1000
_EXPIRED = Answer(
    400,
    "this connection has lasted 60 minutes; open another one",
    "invalid_request_error",
    code="websocket_connection_limit_reached",
)
_KEPT = ("completed", "incomplete")


class ResponsesSocket:
    """The endpoint, as an ASGI application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection to its end."""
        await receive()  # `websocket.connect`
        try:
            require_own_origin(scope)
        except ApiError as refused:
            await send({"type": "websocket.close", "code": _REFUSED, "reason": refused.message})
            return
        await send({"type": "websocket.accept"})
        state = scope["app"].state
        await _Connection(scope, state.services, state.live_responses, send).serve(receive)


class _Connection:
    """One client. `_ended` is set when nobody listens any more, or when the time is over."""

    def __init__(self, scope: Scope, services: Services, live: LiveResponses, send: Send) -> None:
        self._scope = scope
        self._services = services
        self._live = live
        self._send = send
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._ended = asyncio.Event()
        self._is_gone = False
        self._kept: dict[str, tuple[Item, ...]] = {}

    async def serve(self, receive: Receive) -> None:
        """Answer messages until the client leaves, or the time is over."""
        timer = asyncio.get_running_loop().call_later(LASTS_S, self._end)
        try:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(receive))
                await self._answer_all()
                reader.cancel()
        finally:
            timer.cancel()
        await self._tell(_EXPIRED)
        if not self._is_gone:
            await self._send({"type": "websocket.close", "code": _OVER})

    def _end(self) -> None:
        self._ended.set()
        self._waiting.put_nowait(None)

    async def _read(self, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                self._is_gone = True
                self._end()
                return
            if self._waiting.qsize() >= _MOST_WAITING:
                problem = f"{_MOST_WAITING} messages are waiting; send the next after an answer"
                await self._tell(Answer(429, problem, "rate_limit_error", code="too_many_waiting"))
                continue
            text: str | None = message.get("text")
            self._waiting.put_nowait(message["bytes"] if text is None else text.encode())

    async def _answer_all(self) -> None:
        while not self._ended.is_set():
            body = await self._waiting.get()
            if body is not None:
                await self._answer(body)

    async def _answer(self, body: bytes) -> None:
        previous_id: str | None = None
        try:
            request = _read_request(body, self._services.max_body_bytes)
            previous_id = request.previous_response_id
            await self._respond(request)
        except Stopped as stopped:
            self._drop(previous_id)
            await self._tell(told(stopped))
        except Exception as error:  # noqa: BLE001 - the boundary: `told` logs the unknown
            self._drop(previous_id)
            await self._tell(told(error))

    async def _respond(self, request: ResponseRequest) -> None:
        held: list[Event] = []
        is_open = False

        async def emit(events: Sequence[Event]) -> None:
            nonlocal is_open
            held.extend(events)
            is_open = is_open or opens(events)
            if is_open:
                for event in held:
                    await self._say(event)
                held.clear()

        caller = await authenticate(self._scope)  # a key may be revoked while the socket is open
        with self._live.writing(caller.tenant, request.conversation_id):
            creation = await prepare(request, self._services, caller, self._kept)
            try:
                made = await respond(creation, self._services, self._leaving, emit)
            except Stopped:
                if not is_open:
                    raise
                made = {"status": "cancelled"}  # told by the stream's last event
        if made["status"] in _KEPT:
            self._kept = {made["id"]: creation.window_after(made)}
        else:
            self._drop(request.previous_response_id)

    def _drop(self, previous_id: str | None) -> None:
        """Forget what could not be continued."""
        if previous_id is not None:
            self._kept.pop(previous_id, None)

    async def _leaving(self) -> Message:
        await self._ended.wait()
        return {"type": "http.disconnect"}

    async def _tell(self, answer: Answer) -> None:
        """An error as a message: nested as documented, and flat as the openai client reads events."""
        flat = {"code": answer.code, "message": answer.message, "param": answer.param}
        nested = {"type": answer.kind, **flat}
        await self._say({"type": "error", "status": answer.status, **flat, "error": nested})

    async def _say(self, event: Event) -> None:
        if self._is_gone:
            return
        try:
            await self._send({"type": "websocket.send", "text": encode(event).decode()})
        except OSError:  # the client left, and the reader has yet to hear of it
            self._is_gone = True


def _read_request(body: bytes, limit: int) -> ResponseRequest:
    """The request in a message. Raises `ApiError`."""
    if len(body) > limit:
        problem = f"the message is larger than {limit} bytes"
        raise ApiError(413, problem, code="body_too_large")
    message: dict[str, Any] = parse_object(body)
    if message.pop("type", None) != "response.create":
        problem = "a message has to be of the type response.create"
        raise ApiError(400, problem, param="type", code="invalid_value")
    if message.pop("stream", None) not in (None, True):
        problem = "a WebSocket streams; leave stream away"
        raise ApiError(400, problem, param="stream", code="unsupported")
    for name in ("stream_options", "background"):
        if message.pop(name, None):
            problem = f"{name} is not for WebSockets"
            raise ApiError(400, problem, param=name, code="unsupported")
    return parse_request({**message, "stream": True})
