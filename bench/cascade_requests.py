"""Requests for the cascade: invented tools that no model was trained on, and the call that is right.

From the generator of the embedded model's training data (models/nano), its held-out half alone: words and
wordings that training never drew. What a tool does to the world follows from its verb.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from models.nano import invented
from models.nano.grammar import Source
from tools.spec import Annotations, ToolSpec

_READS = frozenset("get find list check track measure scan fetch".split())
_FINAL = frozenset("cancel archive reset publish".split())
_TOOLS = 5
_PER_GROUP = 4
_CHINESE = 0.4
_SEEDS_APART = 100_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, the tools it comes with, and the call that is right. A group shares its tools."""

    group: int
    text: str
    tools: tuple[ToolSpec, ...]
    truth: dict[str, Any]
    chinese: bool


def requests(seed: int, groups: int) -> Iterator[Asked]:
    """Four requests a group, over five tools; the same seed gives the same ones, in groups of its own."""
    source = Source(Random(seed), dev=True)
    for group in range(seed * _SEEDS_APART, seed * _SEEDS_APART + groups):
        chinese = source.chance(_CHINESE)
        made: dict[str, invented.Invented] = {}
        while len(made) < _TOOLS:
            tool = invented.tool(source, chinese)
            made[tool.definition["name"]] = tool
        specs = tuple(map(_spec, made.values()))
        for _ in range(_PER_GROUP):
            chosen = source.rng.choice(list(made.values()))
            text, (name, arguments) = invented.request(source, chosen, chinese)
            yield Asked(group, text, specs, {"name": name, "arguments": arguments}, chinese)


def _spec(tool: invented.Invented) -> ToolSpec:
    verb = {zh: en for en, zh in invented.VERBS.items()}.get(tool.verb, tool.verb)
    definition = tool.definition
    return ToolSpec(
        name=definition["name"],
        description=definition["description"],
        parameters=definition["parameters"],
        annotations=Annotations(read_only=verb in _READS, destructive=verb in _FINAL),
    )
