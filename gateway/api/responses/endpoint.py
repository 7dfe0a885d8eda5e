"""`POST /v1/responses`: whole, streamed, or in the background. A plain ASGI endpoint: a hot route.

An error before the response has content is an HTTP error, streaming or not; after it, the last event.
A stream ends in `data: [DONE]`, as Open Responses asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, aclosing

from starlette.types import Receive, Scope, Send

from gateway.api.asgi import (
    JSON,
    ClientGone,
    Headers,
    StopWhenGone,
    parse_object,
    read_body,
    require_json,
    send_bytes,
    send_error,
)
from gateway.api.auth import principal_of
from gateway.api.encoding import encode
from gateway.api.responses.creation import Creation, opens, prepare, respond
from gateway.api.responses.live import LiveResponses
from gateway.api.responses.output import Event
from gateway.api.responses.request import parse_request
from gateway.api.responses.told import told
from gateway.live import Stopped
from gateway.services import Services

SSE: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
DONE = b"data: [DONE]\n\n"


class CreateResponse:
    """The endpoint, as an ASGI application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an error before the answer has begun is an HTTP error."""
        state = scope["app"].state
        services: Services = state.services
        live: LiveResponses = state.live_responses
        headers: Headers = []
        try:
            require_json(scope)
            body = await read_body(scope, receive, services.max_body_bytes)
            request = parse_request(parse_object(body))
            caller = principal_of(scope)
            with ExitStack() as held:
                held.enter_context(live.writing(caller.tenant, request.conversation_id))
                creation = await prepare(request, services, caller)
                headers.append(_run_header(creation))
                if request.background:
                    await _background(creation, live, held, receive, send)
                elif request.stream:
                    await _streamed(creation, services, receive, send)
                else:
                    await _whole(creation, services, receive, send)
        except ClientGone:
            return
        except Stopped as stopped:
            if stopped.cause != "disconnected":
                await send_error(send, told(stopped), headers)
        except Exception as error:  # noqa: BLE001 - the boundary: `answer` logs the unknown
            await send_error(send, told(error), headers)


def sse(event: Event) -> bytes:
    """One event as a server-sent event."""
    name: str = event["type"]
    return b"event: " + name.encode() + b"\ndata: " + encode(event) + b"\n\n"


async def _whole(creation: Creation, services: Services, receive: Receive, send: Send) -> None:
    made = await respond(creation, services, receive, _unheard)
    await send_bytes(send, 200, encode(made), [JSON, _run_header(creation)])


async def _unheard(_events: Sequence[Event]) -> None:
    """Where the events of a response go that is answered whole."""


async def _streamed(creation: Creation, services: Services, receive: Receive, send: Send) -> None:
    stream = EventStream(send, [_run_header(creation)])
    try:
        await respond(creation, services, receive, stream.emit)
    except Stopped as stopped:
        if stopped.cause == "disconnected" or not stream.is_open:
            raise
    await stream.finish()


async def _background(
    creation: Creation, live: LiveResponses, held: ExitStack, receive: Receive, send: Send
) -> None:
    await live.start(creation, held)
    if not creation.request.stream:
        await send_bytes(send, 200, encode(creation.head()), [JSON, _run_header(creation)])
        return
    stream = EventStream(send, [_run_header(creation)])
    await stream.open()
    with StopWhenGone(receive):
        async with aclosing(live.follow(creation.tenant, creation.id)) as batches:
            async for batch in batches:  # when the client leaves, the response goes on
                await stream.emit(batch)
    await stream.finish()


class EventStream:
    """Server-sent events that leave when there is something to tell, and not before."""

    def __init__(self, send: Send, headers: Headers | None = None) -> None:
        self._send = send
        self._headers = [*SSE, *(headers or [])]
        self._held: list[Event] = []
        self.is_open = False

    async def open(self) -> None:
        """Answer 200: from now on errors are events."""
        self.is_open = True
        start = {"type": "http.response.start", "status": 200, "headers": self._headers}
        await self._send(start)

    async def emit(self, events: Sequence[Event]) -> None:
        """Send events; those that only say that a response has begun wait for the first that says more."""
        if not self.is_open:
            if not opens(events):
                self._held += events
                return
            await self.open()
            events, self._held = (*self._held, *events), []
        await self._write(b"".join(map(sse, events)))

    async def finish(self) -> None:
        """End the stream."""
        await self._send({"type": "http.response.body", "body": DONE})

    async def _write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})


def _run_header(creation: Creation) -> tuple[bytes, bytes]:
    return b"x-gateway-run-id", creation.run.run_id.encode()
