"""The operations of OpenAPI documents, into a registry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.compose.overrides import overrides_of
from gateway.settings import OpenAPISettings
from tools.bounds import UpstreamBounds
from tools.executors.http import HttpExecutor
from tools.executors.http_session import HttpSessions
from tools.openapi.importing import Refused, import_document, register
from tools.openapi.operations import OperationTool, Source
from tools.overrides import Override
from tools.registry import Registry
from tools.wrappers import Upstream

Added = tuple[tuple[OperationTool, ...], tuple[Refused, ...]]
"""Those that are tools, and those that are none."""


def register_openapi(
    registry: Registry,
    api: OpenAPISettings,
    document: Any,
    sessions: HttpSessions,
    *,
    allow_private: bool,
) -> Added:
    """The operations of a document that was read, as tools. Raises `RegistrationError`."""
    source = source_of(api)
    shared = Upstream(api.name, UpstreamBounds.of(api))

    def add(tool: OperationTool) -> None:
        executor = HttpExecutor(
            tool.template, sessions, timeout_s=tool.spec.timeout_s, allow_private=allow_private
        )
        override = source.overrides.get(tool.operation.id, Override())
        upstream = shared.for_one(tool.spec.name, override.bounds)
        notice = override.standing.deprecated or tool.operation.deprecated
        standing = replace(override.standing, deprecated=notice)
        registry.register(tool.spec, executor, upstream=upstream, standing=standing)

    return register(import_document(document, source), add)


def source_of(api: OpenAPISettings) -> Source:
    """A document's settings as `tools.openapi` takes them."""
    return Source(
        api.spec,
        str(api.base_url) if api.base_url else None,
        include=api.include,
        exclude=api.exclude,
        prefix=api.prefix,
        auth=api.auth,
        effects=api.effects,
        overrides=overrides_of(api.overrides),
        timeout_s=api.timeout_s,
        cache_s=api.cache_s,
    )
