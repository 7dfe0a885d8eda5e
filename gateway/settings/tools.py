"""`tools`: where tools come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from gateway.settings.dry_run import DryRunSettings
from gateway.settings.isolation import IsolationSettings
from gateway.settings.mcp import McpSettings
from gateway.settings.overrides import OverrideSettings
from gateway.settings.results import ResultSettings
from gateway.settings.retrieval import RetrievalSettings
from gateway.settings.section import Section
from gateway.settings.urls import ShownPlace, ShownUrl
from tools.declared import BreakerKind, CacheS, MaxConcurrent, MaxPerMinute, TimeoutS
from tools.effect_names import EffectName


class HTTPToolsSettings(Section):
    """For tools that are reached over HTTP."""

    allow_private: bool = False
    """Whether their URLs may lead to loopback, private and link-local addresses."""


class OpenAPISettings(Section):
    """One OpenAPI document (2.0, 3.0 to 3.2), each of whose operations becomes a tool."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    """What the API is called in messages."""
    spec: Annotated[ShownPlace, Field(min_length=1)]
    """The document: a file, YAML or JSON, or an http(s) URL, read once at the start."""
    base_url: ShownUrl | None = None
    """Where the API is. Null: the document's first server."""
    include: tuple[str, ...] = ("*",)
    """Globs over operationIds and `GET /path`; only these become tools."""
    exclude: tuple[str, ...] = ()
    """Globs like those of `include`; these don't."""
    prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{0,32}$")] = ""
    """Stands before every tool's name, against names that others have."""
    auth: Mapping[str, str | None] = {}
    """The document's security schemes and the environment variable (`TOOL_…`) that holds the key, token or
    `user:password`; null: nothing is sent."""
    effects: Mapping[str, EffectName] = {}
    """What operations do, by operationId, where their method doesn't tell: such as a search by POST."""
    overrides: Mapping[str, OverrideSettings] = {}
    """What else is said of single operations, by operationId. See docs/manifests.md."""
    timeout_s: TimeoutS = 30.0
    """For one attempt, in seconds."""
    cache_s: CacheS = 0.0
    """For how long reads are answered from memory, in seconds; 0: never."""
    max_concurrent: MaxConcurrent | None = None
    """Calls that run at once, over all its tools; further ones wait. Null: no bound."""
    max_per_minute: MaxPerMinute | None = None
    """Calls that begin in a minute, over all its tools, evenly spread. Null: no bound."""
    breaker: BreakerKind | None = None
    """When all its tools are left alone for a while. Null: 30 s after five failures in a row."""


class ToolsSettings(Section):
    """Where tools come from."""

    python: tuple[str, ...] = ("tools.builtin",)
    """Modules with `@tool` functions; `tools.builtin` are the ones that ship."""
    entry_points: tuple[str, ...] = ()
    """Names of entry points of installed packages, in the group `gateway.tools`; `*` is allowed."""
    isolate: tuple[IsolationSettings, ...] = ()
    """Python tools, built-in ones aside, that run in processes of their own. Empty: those that ask for it."""
    manifests: tuple[str, ...] = ()
    """YAML or JSON files of tools of every kind; `*` and `**` are allowed. See docs/manifests.md."""
    openapi: tuple[OpenAPISettings, ...] = ()
    """APIs by their OpenAPI documents. `gateway tools preview FILE` shows what a document gives."""
    mcp: tuple[McpSettings, ...] = ()
    """MCP servers; their names differ."""
    early_reads: bool = True
    """Whether a call that only reads is begun as soon as its arguments are whole, while the model still speaks."""
    mcp_pins: Path = Path("var/mcp-pins.json")
    """Where the approved definitions of their tools are kept."""
    notes_path: Path = Path("var/notes.db")
    """The SQLite file of the built-in notes."""
    http: HTTPToolsSettings = HTTPToolsSettings()
    dry_run: DryRunSettings = DryRunSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    results: ResultSettings = ResultSettings()

    @field_validator("mcp", mode="after")
    @classmethod
    def _names_differ(cls, entries: tuple[McpSettings, ...]) -> tuple[McpSettings, ...]:
        names = [one.name for one in entries]
        if len(set(names)) < len(names):
            raise PydanticCustomError("same_name", "two MCP servers have the same `name`")
        return entries
