"""What may stand in a manifest: entries of four kinds.

A kind that a file of settings knows too (`openapi`, `mcp`) has the same keys here and there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.mcp import McpSettings
from gateway.settings.overrides import OverrideSettings
from gateway.settings.tools import OpenAPISettings
from tools.declared import Alias, DeprecationKind
from tools.effect_names import EffectName
from tools.registration import Registration


class HttpEntry(Registration):
    """One HTTP endpoint, as registered over REST. The kind that is meant where none is said."""

    kind: Literal["http"] = "http"
    aliases: tuple[Alias, ...] = ()
    """Names of the version that this is: with `stable`, requests may ask for `NAME@stable`."""
    deprecated: DeprecationKind | None = None
    """That it is on its way out, and why."""


class PythonEntry(OverrideSettings):
    """A Python function; its parameters are those of its type hints, it need not be marked with `@tool`."""

    kind: Literal["python"]
    function: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
    """`module:function`: a module that is installed, or stands in the working directory."""
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")] | None = None
    """Null: the function's own."""
    effect: EffectName | None = None
    """What a call does. Null: what the mark says, `write` where there is none."""


class OpenAPIEntry(OpenAPISettings):
    """An OpenAPI document, each of whose operations becomes a tool. A path is relative to the manifest."""

    kind: Literal["openapi"]


class McpEntry(McpSettings):
    """An MCP server: a `command` that is started, or a `url`."""

    kind: Literal["mcp"]


Entry = HttpEntry | PythonEntry | OpenAPIEntry | McpEntry

KINDS: Mapping[str, type[Entry]] = {
    "http": HttpEntry,
    "openapi": OpenAPIEntry,
    "mcp": McpEntry,
    "python": PythonEntry,
}

TELLING: Mapping[str, str] = {
    "function": "python",
    "spec": "openapi",
    "command": "mcp",
}
"""Keys that only one kind has: who writes one and no `kind` has forgotten it."""
