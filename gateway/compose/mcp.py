"""The MCP servers that the settings name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.compose.error import CompositionError
from gateway.compose.overrides import overrides_of
from gateway.settings import McpSettings, Settings
from tools.bounds import UpstreamBounds
from tools.errors import ToolUnavailable
from tools.registry import Registry
from tools.wrappers import Upstream

if TYPE_CHECKING:
    from tools.mcp.definition import Definition
    from tools.mcp.servers import McpServers
    from tools.mcp.source import Source


def build_mcp(registry: Registry, settings: Settings, wanted: Sequence[McpSettings]) -> McpServers:
    """Registers what was approved before; connecting begins when the result is entered."""
    from tools.mcp.client import open_session
    from tools.mcp.pins import Pins, PinsError
    from tools.mcp.servers import McpServers

    servers = [(source_of(one), Upstream(one.name, UpstreamBounds.of(one))) for one in wanted]
    try:
        pins = Pins(settings.tools.mcp_pins)
    except PinsError as error:
        raise CompositionError(
            f"tools.mcp_pins: {error}", "move it away: everything is approved anew at first sight"
        ) from error
    return McpServers(servers, registry, pins, open_session)


async def definitions_of(source: Source) -> list[Definition]:
    """What a server lists now, as far as it is wanted. Raises `ToolUnavailable`."""
    from tools.mcp.client import open_session
    from tools.mcp.definition import wanted

    try:
        async with (
            open_session(source, asyncio.Event()) as session,
            asyncio.timeout(source.connect_s),
        ):
            listed = await session.definitions()
    except TimeoutError as error:
        raise ToolUnavailable(f"{source.name} did not list its tools in time") from error
    return [each for each in listed if wanted(each, source)]


def source_of(one: McpSettings) -> Source:
    """A server's settings as `tools.mcp` takes them."""
    from tools.mcp.source import Source

    return Source(
        one.name,
        command=one.command,
        environment={name: value.get_secret_value() for name, value in one.env.items()},
        url=str(one.url or ""),
        headers={name: value.get_secret_value() for name, value in one.headers.items()},
        prefix=f"{one.name}_" if one.prefix is None else one.prefix,
        include=one.include,
        exclude=one.exclude,
        effects=one.effects,
        overrides=overrides_of(one.overrides),
        trust_annotations=one.trust_annotations,
        hold_new=one.hold_new,
        timeout_s=one.timeout_s,
        cache_s=one.cache_s,
    )
