"""The ASGI application: routes, the translation of errors, and a life from start to stop.

`create_app` takes the services ready-made (tests, embedding), or a function that builds them at
start-up (`gateway.compose`). Backends are closed at shutdown either way.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Route, WebSocketRoute

from gateway.agent.settling import settling
from gateway.api import (
    approvals,
    budgets,
    console,
    conversations,
    effects,
    health,
    keys,
    metrics,
    models,
    run_files,
    runs,
    statistics,
    tool_reports,
    tool_versions,
    tools,
)
from gateway.api.chat import ChatCompletions
from gateway.api.errors import HANDLED, Answer, answer
from gateway.api.hot import Surface
from gateway.api.mcp.endpoint import McpEndpoint
from gateway.api.openapi import with_chat, with_responses
from gateway.api.responses import compact
from gateway.api.responses import routes as responses
from gateway.api.responses.endpoint import CreateResponse
from gateway.api.responses.live import LiveResponses
from gateway.api.responses.websocket import ResponsesSocket
from gateway.api.schedules import routes as schedules
from gateway.api.schedules.scheduler import Scheduler
from gateway.authoring import Authoring
from gateway.resuming import Resuming
from gateway.runtime import generators_unlisted
from gateway.services import Services

ServicesFactory = Callable[[], Awaitable[Services]]


def create_app(services: Services | ServicesFactory) -> FastAPI:
    """The whole REST surface over `services`."""
    mcp = McpEndpoint()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        ready = services if isinstance(services, Services) else await services()
        app.state.services = ready
        async with AsyncExitStack() as background:
            background.enter_context(generators_unlisted())
            try:
                app.state.authoring = await background.enter_async_context(Authoring(ready))
                for work in ready.background:
                    await background.enter_async_context(work)
                async with (
                    mcp.open(ready),
                    settling(ready.writes),
                    Resuming(ready) as app.state.resuming,
                    LiveResponses(ready) as app.state.live_responses,
                    Scheduler(ready, app.state.live_responses),
                ):
                    yield
            finally:  # brings begun writes to their end, which may need the background
                await ready.aclose()

    app = Surface(
        title="gateway",
        summary="A gateway for agentic function calling",
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        exception_handlers={
            HTTPException: _http_error,
            RequestValidationError: _validation_error,
            **dict.fromkeys(HANDLED, _known_error),
        },
    )
    app.add_hot_route("/v1/chat/completions", ChatCompletions(), "chat_completions")
    app.add_hot_route("/v1/responses", CreateResponse(), "create_response")
    app.router.routes.append(WebSocketRoute("/v1/responses", ResponsesSocket(), name="socket"))
    app.router.routes.append(Route("/mcp", mcp, methods=["POST"], name="mcp"))
    for part in (
        models,
        tool_versions,
        tool_reports,
        tools,
        runs,
        run_files,
        effects,
        approvals,
        budgets,
        compact,
        responses,
        conversations,
        schedules,
        keys,
        health,
        metrics,
        statistics,
    ):
        # As they are: `include_router` would analyse each a second time, at the first request.
        app.router.routes.extend(part.router.routes)
    app.router.routes.extend(console.routes)
    document = app.openapi
    app.openapi = lambda: with_responses(with_chat(document()))  # pyright: ignore[reportAttributeAccessIssue]
    return app


def _respond(told: Answer, headers: dict[str, str] | None = None) -> Response:
    extra = {name.decode(): value.decode() for name, value in told.headers}
    if told.retry_after_s is not None:
        extra["retry-after"] = str(told.retry_after_s)
    return Response(
        told.body(), told.status, {**(headers or {}), **extra}, media_type="application/json"
    )


async def _known_error(_request: Request, error: Exception) -> Response:
    return _respond(answer(error))


async def _http_error(_request: Request, error: Any) -> Response:
    """Starlette's own refusals: an unknown path, a wrong method, a body that is no JSON."""
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code)
    server_side = error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = "server_error" if server_side else "invalid_request_error"
    return _respond(Answer(error.status_code, str(error.detail), kind, None, code), error.headers)


async def _validation_error(_request: Request, error: Any) -> Response:
    """A query or a body that FastAPI refused: its first complaint, in the surface's shape."""
    first = error.errors()[0]
    param = ".".join(str(part) for part in first["loc"][1:]) or None
    message = f"{param}: {first['msg']}" if param else str(first["msg"])
    return _respond(Answer(400, message, "invalid_request_error", param, "invalid_value"))
