"""What surrounds every route: security headers, each answer counted, and the last place where an exception can arrive.

Plain ASGI, because it is on the hot path, and one layer, because each costs every message that is sent. No CORS
headers are ever sent: web pages of other origins can't read answers. A failure after the response has begun ends
the connection, so that a client can't take a cut answer for a whole one.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.asgi import send_error
from gateway.api.errors import answer
from gateway.services import Services

if TYPE_CHECKING:
    from gateway.telemetry.telemetry import Telemetry

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
        telemetry = _telemetry(scope)
        if telemetry is not None and telemetry.tracing is not None and scope["type"] != "lifespan":
            telemetry.tracing.accept(scope["headers"])
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        # It waits for nothing itself: what is to be awaited is the server's.
        def send_secured(message: Message) -> Awaitable[None]:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
                if telemetry is not None:
                    telemetry.count_request(scope["path"], message["status"])
            return send(message)

        try:
            await self._app(scope, receive, send_secured)
        except Exception as error:
            told = answer(error)
            if started:
                raise
            await send_error(send_secured, told)


def _telemetry(scope: Scope) -> Telemetry | None:
    services: Services | None = getattr(scope["app"].state, "services", None)
    return services.telemetry if services is not None else None
