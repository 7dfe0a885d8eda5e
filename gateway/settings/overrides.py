"""What an operator says about single tools of a document or a server."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.section import Section
from tools.declared import (
    Alias,
    BreakerKind,
    CacheS,
    DeprecationKind,
    MaxConcurrent,
    MaxPerMinute,
    ReadBackKind,
    Resource,
    ResultTokens,
    TimeoutS,
)


class OverrideSettings(Section):
    """Takes the place of what a tool's definition says; what is left out stays."""

    description: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    """What it does and when to use it: models choose by it."""
    timeout_s: TimeoutS | None = None
    """For one attempt, in seconds."""
    cache_s: CacheS | None = None
    """For how long a read is answered from memory, in seconds; 0: never."""
    max_concurrent: MaxConcurrent | None = None
    """Calls that run at once; further ones wait. Null: as of its source."""
    max_per_minute: MaxPerMinute | None = None
    """Calls that begin in a minute, evenly spread. Null: as of its source."""
    breaker: BreakerKind | None = None
    """When it is left alone for a while. Null: as of its source, 30 s after five failures in a row."""
    sensitive: tuple[str, ...] = ()
    """Fields that leave masked, such as `parameters.iban` and `returns.items[].email`. See docs/privacy.md."""
    read_back: ReadBackKind | None = None
    """Settles a call of which nobody knows whether it took effect. See docs/effects.md."""
    resource: Resource | None = None
    """Calls with the same text, `{argument}`s filled in, run one after another."""
    result_tokens: ResultTokens | None = None
    """How many tokens of a result a model is shown. Null: as many as of others."""
    aliases: tuple[Alias, ...] = ()
    """Names of the version that this is: with `stable`, requests may ask for `TOOL@stable`."""
    deprecated: DeprecationKind | None = None
    """That it is on its way out, and why."""
