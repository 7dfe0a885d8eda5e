"""The registry behind the official SDK's server. Importing this imports the SDK: do it late.

Without sessions, so that any worker can answer any request and a restart loses nothing. A client of
the version 2026-07-28 hears of changes to the registry by `subscriptions/listen`; older versions would
need a session for that, and have to list again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)
from starlette.requests import Request

from gateway.api.auth import principal_of
from gateway.api.calling import call_once, subject_of
from gateway.api.mcp import forms
from gateway.api.mcp.endpoint import Handler
from gateway.services import Services
from policies.policy import Subject
from tools.toolset import Toolset

_INSTRUCTIONS = (
    "The tools of this gateway. Arguments are checked against a tool's schema and calls against the "
    "operator's rules; a call that is refused says why and what to do."
)

Context = ServerRequestContext[dict[str, Any]]


class _Tools:
    """The handlers of the protocol's requests. A tool that policy does not offer is not there."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_list(
        self, context: Context, _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        specs = self._offered(_subject(context)).specs
        return ListToolsResult(tools=[forms.tool(spec) for spec in specs])

    async def on_call(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        subject, dry = _subject(context), forms.wished_dry(params.meta)
        toolset = self._offered(subject)
        name, arguments = params.name, params.arguments or {}
        outcome = await call_once(self._services, toolset, subject, name, arguments, dry=dry)
        return forms.result(outcome, toolset, subject.run_id)

    def schema(self, name: str) -> Mapping[str, Any] | None:
        toolset = self._services.registry.snapshot()
        return toolset.get(name).parameters if name in toolset else None

    def _offered(self, subject: Subject) -> Toolset:
        policies = self._services.policies
        return self._services.registry.snapshot().without(
            lambda spec: not policies.on_offer(subject, spec)
        )


def _subject(context: Context) -> Subject:
    """On whose behalf: the SDK hands on the HTTP request, with the scope that was authenticated."""
    return subject_of(principal_of(cast("Request", context.request).scope))


@asynccontextmanager
async def serving(services: Services) -> AsyncGenerator[Handler]:
    """What answers requests, for as long as the context lasts."""
    tools, bus = _Tools(services), InMemorySubscriptionBus()
    server = Server(
        "gateway",
        version=services.version,
        instructions=_INSTRUCTIONS,
        get_tool_input_schema=tools.schema,
        on_list_tools=tools.on_list,
        on_call_tool=tools.on_call,
        on_subscriptions_listen=ListenHandler(bus),
    )
    manager = StreamableHTTPSessionManager(
        server,
        json_response=True,
        stateless=True,
        max_request_body_size=services.max_body_bytes,
    )
    async with manager.run(), asyncio.TaskGroup() as group:
        telling = group.create_task(_tell_changes(services, bus))
        yield manager.handle_request
        telling.cancel()


async def _tell_changes(services: Services, bus: InMemorySubscriptionBus) -> None:
    """Pass the registry's changes on. They come from any thread; several at once are told once."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    forget = services.registry.on_change(lambda: loop.call_soon_threadsafe(changed.set))
    try:
        while True:
            await changed.wait()
            changed.clear()
            await bus.publish(ToolsListChanged())
    finally:
        forget()
