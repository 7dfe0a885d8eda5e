"""A tool as a server describes it, and the tool that it becomes here.

What it is: plain data with a hash over everything that a model or the gateway relies on: name, texts,
schemas, hints. A definition that differs in anything is another one.
What it is not: trust. What a server says of itself counts only if the operator says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from tools.mcp.source import STRICTEST, Source
from tools.naming import tool_name
from tools.overrides import overridden
from tools.spec import DECLARED, Annotations, JSONObject, ToolSpec

_MAX_DESCRIPTION = 4_000


@dataclass(frozen=True, slots=True)
class Definition:
    """`hints` are MCP's annotations by their names on the wire, those that the server gives."""

    name: str
    description: str
    parameters: JSONObject
    returns: JSONObject | None = None
    hints: Mapping[str, bool] = field(default_factory=dict[str, bool])

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON, in hexadecimal."""
        text = json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def as_data(self) -> JSONObject:
        """For a file of pins."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Definition:
        """What `as_data` gave. Raises `KeyError` or `TypeError` for anything else."""
        return cls(**{each.name: data[each.name] for each in fields(cls)})


def wanted(definition: Definition, source: Source) -> bool:
    """Whether the operator lets this tool in."""

    def named(globs: Any) -> bool:
        return any(fnmatchcase(definition.name, glob) for glob in globs)

    return named(source.include) and not named(source.exclude)


def spec_of(definition: Definition, source: Source) -> ToolSpec:
    """The tool as the registry takes it, or refuses it.

    Raises `RegistrationError` for an override that can't be of this tool.
    """
    text = definition.description.strip() or definition.name
    if len(text) > _MAX_DESCRIPTION:
        text = text[: _MAX_DESCRIPTION - 1] + "…"
    annotations = _annotations(definition, source)
    spec = ToolSpec(
        name=tool_name(source.prefix + definition.name),
        description=text,
        parameters=definition.parameters,
        returns=definition.returns,
        annotations=annotations,
        timeout_s=source.timeout_s,
        cache_s=source.cache_s if annotations.read_only else 0.0,
    )
    name = definition.name
    return overridden(spec, source.overrides.get(name), f"overrides.{name}")


def _annotations(definition: Definition, source: Source) -> Annotations:
    if (effect := source.effects.get(definition.name)) is not None:
        return DECLARED[effect]
    if not source.trust_annotations:
        return STRICTEST
    hints = definition.hints
    read_only = hints.get("readOnlyHint", False)
    return Annotations(
        read_only=read_only,
        idempotent=read_only or hints.get("idempotentHint", False),
        destructive=not read_only and hints.get("destructiveHint", True),
        open_world=hints.get("openWorldHint", True),
    )
