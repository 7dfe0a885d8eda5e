"""What a tool's definition says, part by part, and how much a term counts where it stands.

The weights were chosen on half of BFCL's requests (`bench/retrieval.py`), where the ranking hardly depends
on them: that the name counts most and that examples count at all is what matters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tools.retrieval.terms import terms
from tools.spec import ToolSpec

_SATURATION = 1.5
"""BM25's k1: how soon more of the same term stops counting."""
_MOST_NODES = 500
_MOST_CHARACTERS = 20_000
"""Of one part: what stands behind that is not looked at."""


@dataclass(frozen=True, slots=True)
class _Part:
    """How a part counts. `length` is usual, in terms; with `evenness` 1 a longer one counts for less.

    The usual length is fixed and not the average of what is registered, so that a tool's own figures
    never change when others come and go.
    """

    weight: float
    length: float
    evenness: float


_NAME = _Part(3.0, 3, 0.5)
_DESCRIPTION = _Part(1.5, 14, 0.75)
_PARAMETERS = _Part(1.5, 8, 0.5)
_ABOUT_PARAMETERS = _Part(0.7, 40, 0.75)
_EXAMPLES = _Part(1.0, 5, 0.5)


def described(spec: ToolSpec) -> str:
    """A definition as one text, for a model: its name in words, what it does, its parameters' names."""
    names = [name.replace("_", " ") for name, _ in _properties(spec.parameters)]
    words = spec.name.replace("_", " ").replace("-", " ")
    return f"{words}. {spec.description} {', '.join(names)}"


def impacts(spec: ToolSpec) -> dict[str, float]:
    """Each term of the definition and how much it counts, above 0 and below 1 (BM25F without rarity)."""
    found: defaultdict[str, float] = defaultdict(float)
    names: list[str] = []
    about: list[str] = []
    examples: list[str] = []
    for name, node in _properties(spec.parameters):
        names.append(name)
        about.append(str(node.get("description", "")))
        examples.extend(_examples(node))
    for part, texts in (
        (_NAME, [spec.name]),
        (_DESCRIPTION, [spec.description]),
        (_PARAMETERS, names),
        (_ABOUT_PARAMETERS, about),
        (_EXAMPLES, examples),
    ):
        held = terms(" ".join(texts)[:_MOST_CHARACTERS])
        if held:
            counts = part.weight / (1 - part.evenness + part.evenness * len(held) / part.length)
            for term in held:
                found[term] += counts
    return {term: sum_ / (_SATURATION + sum_) for term, sum_ in found.items()}


def _properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Properties at any depth, the outer ones first, also below items and combinations."""
    level: list[Mapping[str, Any]] = [schema]
    looked_at = 0
    while level:
        below: list[Mapping[str, Any]] = []
        for node in level:
            named = _mapping(node.get("properties"))
            for name, each in named.items():
                looked_at += 1
                if looked_at > _MOST_NODES:
                    return
                yield name, _mapping(each)
            below.extend(_mapping(each) for each in named.values())
            below.append(_mapping(node.get("items")))
            for keyword in ("anyOf", "oneOf", "allOf"):
                several = node.get(keyword)
                if isinstance(several, list):
                    below.extend(_mapping(each) for each in cast("list[Any]", several))
        level = [node for node in below if node]


def _examples(node: Mapping[str, Any]) -> Iterator[str]:
    for holder in (node, _mapping(node.get("items"))):
        for keyword in ("enum", "examples"):
            values = holder.get(keyword)
            if isinstance(values, list):
                yield from (each for each in cast("list[Any]", values) if isinstance(each, str))
        if isinstance(default := holder.get("default"), str):
            yield default


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
