"""A server as the operator configures it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
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
        """What nothing that the server says may show: values whole, and what stands in headers behind `Bearer`."""
        words = [word for value in self.headers.values() for word in value.split()]
        given = (*self.environment.values(), *self.headers.values(), *words, *_told(words))
        return tuple(dict.fromkeys(value for value in given if len(value) >= _SHORTEST_SECRET))


_SHORTEST_SECRET = 8
"""Shorter values are flags and numbers: blotting them out would spoil answers."""


def _told(words: Sequence[str]) -> Iterator[str]:
    """User and password of `Basic` credentials, and the password alone."""
    for word in words:
        try:
            user, colon, password = b64decode(word, validate=True).decode().partition(":")
        except ValueError:
            continue
        if colon:
            yield f"{user}:{password}"
            yield password


STRICTEST = Annotations(destructive=True, open_world=True)
"""What a tool is taken to do when nobody who is trusted says anything."""
