"""What surrounds every route: security headers, and the last place where an exception can arrive.

Plain ASGI, because it is on the hot path. No CORS headers are ever sent: web pages of other origins
can't read answers. A failure after the response has begun ends the connection, so that a client can't
take a cut answer for a whole one.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.asgi import send_error
from gateway.api.errors import answer

_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


class Edge:
    """The outermost middleware of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_secured(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            await self._app(scope, receive, send_secured)
        except Exception as error:
            told = answer(error)
            if started:
                raise
            await send_error(send_secured, told)
