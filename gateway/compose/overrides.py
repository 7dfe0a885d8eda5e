"""Overrides of tools, from settings and manifests to what the tools package takes."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.settings.overrides import OverrideSettings
from tools.overrides import Override
from tools.spec import ReadBack


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
    )


def overrides_of(told: Mapping[str, OverrideSettings]) -> dict[str, Override]:
    """Those of a document or a server, by the names that it gives its tools."""
    return {name: override_of(each) for name, each in told.items()}
