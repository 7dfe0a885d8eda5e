"""`tools.mcp`: MCP servers whose tools are offered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from gateway.settings.overrides import OverrideSettings
from gateway.settings.section import Section
from gateway.settings.urls import ShownUrl
from tools.declared import BreakerKind, CacheS, MaxConcurrent, MaxPerMinute, TimeoutS
from tools.effect_names import EffectName


class McpSettings(Section):
    """One MCP server: a `command` that is started, or a `url`."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,32}$")]
    """What the server is called in messages and pins."""
    command: tuple[str, ...] = ()
    """The program and its arguments, spoken to over its pipes; each tenant gets a process of its own."""
    env: Mapping[str, SecretStr] = {}
    """Variables for the command, such as `{TOKEN: "${CRM_TOKEN}"}`; it gets no others of the gateway's."""
    url: ShownUrl | None = None
    """The address of a server over streamable HTTP."""
    headers: Mapping[str, SecretStr] = {}
    """Sent with every request to the URL, such as `{Authorization: "Bearer ${CRM_TOKEN}"}`."""
    prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{0,32}$")] | None = None
    """Stands before every tool's name. Null: the server's name and `_`."""
    include: tuple[str, ...] = ("*",)
    """Globs over the server's own names; only these become tools."""
    exclude: tuple[str, ...] = ()
    """Globs like those of `include`; these don't."""
    effects: Mapping[str, EffectName] = {}
    """What tools do, by the server's own names; the others are taken to destroy."""
    overrides: Mapping[str, OverrideSettings] = {}
    """What else is said of single tools, by the server's own names. See docs/manifests.md."""
    trust_annotations: bool = False
    """Whether the server's own hints are believed for tools that `effects` doesn't name."""
    hold_new: bool = False
    """Whether tools that a known server begins to list wait for approval, as changed ones always do."""
    timeout_s: TimeoutS = 30.0
    """For one call, in seconds."""
    cache_s: CacheS = 0.0
    """For how long reads are answered from memory, in seconds; 0: never."""
    max_concurrent: MaxConcurrent | None = None
    """Calls that run at once, over all its tools; further ones wait. Null: no bound."""
    max_per_minute: MaxPerMinute | None = None
    """Calls that begin in a minute, over all its tools, evenly spread. Null: no bound."""
    breaker: BreakerKind | None = None
    """When all its tools are left alone for a while. Null: 30 s after five failures in a row."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if bool(self.command) == (self.url is not None):
            raise PydanticCustomError(
                "command_or_url", "an MCP server needs `command` or `url`, and not both"
            )
        if self.env and not self.command:
            raise PydanticCustomError("needless_env", "`env` is for a `command`; use `headers`")
        if self.headers and self.url is None:
            raise PydanticCustomError("needless_headers", "`headers` are for a `url`; use `env`")
        return self
