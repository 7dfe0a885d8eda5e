"""Overrides of tools, from settings and manifests to what the tools package takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.settings.overrides import OverrideSettings
from tools.bounds import UpstreamBounds
from tools.declared import DeprecationKind
from tools.overrides import Override
from tools.spec import ReadBack
from tools.versions import Standing


class Stands(Protocol):
    """What says of a tool what stands beside its definition."""

    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def deprecated(self) -> DeprecationKind | None: ...


def standing_of(told: Stands) -> Standing:
    """Its names and its word for those who still use it."""
    return Standing(told.aliases, told.deprecated and told.deprecated.notice())


def override_of(told: OverrideSettings) -> Override:
    """One of them."""
    read_back = told.read_back
    return Override(
        description=told.description,
        timeout_s=told.timeout_s,
        cache_s=told.cache_s,
        sensitive=told.sensitive,
        read_back=read_back and ReadBack(**read_back.model_dump()),
        resource=told.resource,
        result_tokens=told.result_tokens,
        standing=standing_of(told),
        bounds=UpstreamBounds.of(told),
    )


def overrides_of(told: Mapping[str, OverrideSettings]) -> dict[str, Override]:
    """Those of a document or a server, by the names that it gives its tools."""
    return {name: override_of(each) for name, each in told.items()}
