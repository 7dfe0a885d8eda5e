"""A server as the operator configures it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.effect_names import EffectName
from tools.overrides import Override
from tools.spec import Annotations


@dataclass(frozen=True, slots=True)
class Source:
    """Started by `command` and spoken to over its pipes, or reached at `url`.

    `environment` is all that a command gets beside a few harmless variables; `headers` go to the URL only.
    `include` and `exclude` are globs over the server's own names; `effects` maps them to what they do.
    With `trust_annotations` a server's own hints are believed for the others, which are else taken to
    destroy; `overrides` maps them to what else is said of them. With `hold_new` tools that appear later wait for
    approval, like those that changed.
    `timeout_s` bounds one call, `connect_s` the opening of a session, `cache_s` is for how long a read is
    answered from memory, all in seconds.
    """

    name: str
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    prefix: str = ""
    include: Sequence[str] = ("*",)
    exclude: Sequence[str] = ()
    effects: Mapping[str, EffectName] = field(default_factory=dict[str, EffectName])
    overrides: Mapping[str, Override] = field(default_factory=dict[str, Override])
    trust_annotations: bool = False
    hold_new: bool = False
    timeout_s: float = 30.0
    cache_s: float = 0.0
    connect_s: float = 30.0

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no answer of the server may show to a model."""
        given = (*self.environment.values(), *self.headers.values())
        return tuple(value for value in given if len(value) >= _SHORTEST_SECRET)


_SHORTEST_SECRET = 8
"""Shorter values are flags and numbers: blotting them out would spoil answers."""

STRICTEST = Annotations(destructive=True, open_world=True)
"""What a tool is taken to do when nobody who is trusted says anything."""
