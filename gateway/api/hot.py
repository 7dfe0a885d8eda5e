"""The application, and its hot routes in front of the others.

A hot route is a plain ASGI endpoint that answers its own errors, so it needs nothing of what the framework has
for the other routes: it is found by its exact path, and only `SURROUNDINGS`, which stand before every route,
stand before it. All else that asks for its path (another method, a mounted application, what is redirected) goes
the framework's way, where it is a route as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.auth import Authenticated
from gateway.api.edge import Edge

SURROUNDINGS: tuple[Callable[[ASGIApp], ASGIApp], ...] = (Edge, Authenticated)
"""The middleware of every route, outermost first."""


class Surface(FastAPI):
    """FastAPI with `SURROUNDINGS`, and with hot routes. Middleware that is added later is not before those."""

    def __init__(self, **options: Any) -> None:
        super().__init__(middleware=[Middleware(each) for each in SURROUNDINGS], **options)
        self._hot: dict[str, ASGIApp] = {}

    def add_hot_route(self, path: str, endpoint: ASGIApp, name: str) -> None:
        """Have `endpoint` answer what is posted to `path`."""
        self.router.routes.append(Route(path, endpoint, methods=["POST"], name=name))
        for surrounding in reversed(SURROUNDINGS):
            endpoint = surrounding(endpoint)
        self._hot[path] = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the application's life."""
        if scope["type"] == "http" and scope["method"] == "POST" and not scope.get("root_path"):
            hot = self._hot.get(scope["path"])
            if hot is not None:
                scope["app"] = self
                await hot(scope, receive, send)
                return
        await super().__call__(scope, receive, send)
