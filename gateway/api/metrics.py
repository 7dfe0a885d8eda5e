"""`GET /metrics` for Prometheus, and the middleware that counts what was answered."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.access import UsesServices
from gateway.api.auth import Caller, require
from gateway.api.errors import ApiError
from gateway.backlog import backlog
from gateway.services import Services

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response)
async def metrics(services: UsesServices, caller: Caller) -> Response:
    """All metrics of this gateway, its workers together, in Prometheus' text format."""
    require(caller, "operator")
    telemetry, told = services.telemetry, None
    if telemetry is not None and telemetry.metrics is not None:
        telemetry.see_backlog(await backlog(services), services.clock())
        told = await telemetry.exposition()
    if telemetry is None or told is None:
        raise ApiError(404, "metrics are off: telemetry.metrics", code="not_found")
    return Response(told, media_type=telemetry.media_type)


class Measured:
    """Counts each answer by surface and status, and takes up the client's trace. Plain ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        services: Services | None = getattr(scope["app"].state, "services", None)
        telemetry = services.telemetry if services is not None else None
        if scope["type"] not in {"http", "websocket"} or telemetry is None:
            await self._app(scope, receive, send)
            return
        if telemetry.tracing is not None:
            telemetry.tracing.accept(scope["headers"])
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        status = 0

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                telemetry.count_request(scope["path"], status)
            await send(message)

        try:
            await self._app(scope, receive, send_counted)
        except Exception:
            if not status:
                telemetry.count_request(scope["path"], 500)  # what the edge answers
            raise
