"""Who asks: one middleware in front of every surface, REST, events, WebSocket and MCP alike.

A key stands in `Authorization: Bearer KEY`, as OpenAI's clients send it. It is never taken from a URL:
those are logged. What the routes read is the `Principal` in the scope. Without authentication everybody
is the operator of the one tenant, and the gateway listens on loopback only: there a web page could reach it by
a name that was made to lead here, so the name is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.access.principal import ANYONE, KeyRole, Principal
from gateway.api.asgi import JSON, header, send_error
from gateway.api.errors import Answer, ApiError, answer
from gateway.api.origin import require_own_host
from gateway.services import Services
from gateway.storage.errors import StorageUnavailable

OPEN = frozenset({"/healthz", "/readyz"})
"""For probes, which have no key; they tell nothing about anybody."""
_OPEN_BELOW = "/console"
"""A page without data: what it shows, it asks for with the key that its reader gives it."""
_BEARER = b"bearer "
_LONGEST = 8192  # of a token; keys have 60 characters
_REFUSED = 1008
_KEY = "gateway.principal"


class Authenticated:
    """The middleware. Plain ASGI, because it is on the hot path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, if it may be served."""
        if scope["type"] in {"http", "websocket"} and not _is_open(scope):
            try:
                await authenticate(scope)
            except (ApiError, StorageUnavailable) as refused:
                await _refuse(scope, receive, send, answer(refused))
                return
        await self._app(scope, receive, send)


async def authenticate(scope: Scope) -> Principal:
    """Who asks, kept in the scope. Raises `ApiError` 401, without keys 421; `StorageUnavailable`."""
    services: Services = scope["app"].state.services
    if services.access is None:
        require_own_host(scope)
        return ANYONE
    shown = _shown(scope)
    principal = await services.access.principal(shown) if shown else None
    if principal is None:
        raise ApiError(
            401,
            "show a key: Authorization: Bearer KEY"
            if shown is None
            else "this key is not valid: unknown, expired or revoked",
            code="invalid_api_key",
            kind="authentication_error",
        )
    scope[_KEY] = principal
    return principal


def principal_of(scope: Scope) -> Principal:
    """Who asks, behind the middleware."""
    return scope.get(_KEY, ANYONE)


def require(principal: Principal, role: KeyRole) -> None:
    """Raises `ApiError` 403 when the key's role is less than `role`."""
    if not principal.has(role):
        problem = f"this needs a key of the role {role}; yours is of the role {principal.role}"
        raise ApiError(403, problem, code="role_required", kind="permission_error")


def _principal(request: Request) -> Principal:
    return principal_of(request.scope)


Caller = Annotated[Principal, Depends(_principal)]


def needs(role: KeyRole) -> Callable[[Request], None]:
    """A dependency of routes that are for `role` and above."""

    def check(request: Request) -> None:
        require(principal_of(request.scope), role)

    return check


def _is_open(scope: Scope) -> bool:
    path: str = scope["path"]
    return path in OPEN or path == _OPEN_BELOW or path.startswith(f"{_OPEN_BELOW}/")


def _shown(scope: Scope) -> str | None:
    """What the caller shows as a key; empty when it can't be one."""
    value = header(scope, b"authorization")
    if value is None:
        return None
    if value[: len(_BEARER)].lower() != _BEARER or len(value) > _LONGEST:
        return ""
    return value[len(_BEARER) :].strip().decode("latin-1")


async def _refuse(scope: Scope, receive: Receive, send: Send, told: Answer) -> None:
    headers = [(b"www-authenticate", b"Bearer")] if told.status == 401 else []
    if scope["type"] == "http":
        await send_error(send, told, headers)
        return
    await receive()  # `websocket.connect`
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": _REFUSED, "reason": told.message})
        return
    status = {"type": "websocket.http.response.start", "status": told.status}
    await send({**status, "headers": [*headers, JSON]})
    await send({"type": "websocket.http.response.body", "body": told.body()})
