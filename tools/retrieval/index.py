"""Tools by the terms of their definitions, ranked for a request.

What it is: postings that grow with each tool. How much a term counts for a tool is worked out once, when
the tool is added, and never depends on others; only how rare a term is does, and that is a count. So the
index is never built anew for a change, and adding a tool costs the same whatever is there already.
What it is not: a snapshot. It may know a tool that a snapshot of the registry lacks, and the other way
round: whoever asks takes from the ranking what is in their own.
"""

from __future__ import annotations

import math
import re
import threading
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tools.retrieval.fields import impacts
from tools.retrieval.terms import terms
from tools.spec import ToolSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tools.retrieval.nearness import Nearness

    Scores = NDArray[np.float64]

_BREAK = re.compile(
    r"[.!?;](?:\s|$)|[\n。！？；]|\b(?:and|then|also|additionally|finally|furthermore)\b",
    re.IGNORECASE,
)
_SENTENCE_WEIGHT = 2.0
_MOST_SENTENCES = 32
_MOST_CHARACTERS = 4_000
"""Of a text that is searched by: its beginning and end, where people say what they want."""
_FEWEST_DEAD = 256
_FUSED = 60
"""Reciprocal rank fusion's usual constant: how much the first places count beside later ones."""
_MEANING = 0.5
"""How much a place by meaning counts beside one by words: chosen with a small model (docs/many-tools.md)."""
_NEAREST = 50
"""So many tools count as near in meaning; behind them nearness tells nothing."""


class Weighted(NamedTuple):
    """A text to search by, and how much it counts beside others."""

    text: str
    weight: float = 1.0


class _Postings(NamedTuple):
    """The slots of the tools that have a term, and how much it counts for each."""

    slots: array[int]
    impacts: array[float]


class ToolIndex:
    """Safe to use from any number of threads. Holds the specs that were added, each in a slot.

    With `nearness`, what it has prepared of a request counts beside the words (reciprocal rank fusion).
    """

    def __init__(self, specs: Iterable[ToolSpec] = ()) -> None:
        self.nearness: Nearness | None = None
        self._lock = threading.Lock()
        self._slots: dict[str, int] = {}
        self._specs: list[ToolSpec | None] = []
        self._postings: dict[str, _Postings] = {}
        for spec in specs:
            self.add(spec)

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, spec: ToolSpec) -> None:
        """Make a tool findable; one of the same name is replaced."""
        found = impacts(spec)
        with self._lock:
            self._forget(spec.name)
            self._enter(spec, found)

    def remove(self, name: str) -> None:
        """Forget a tool, if it is known."""
        with self._lock:
            self._forget(name)

    def ranked(self, request: str | Sequence[Weighted]) -> Iterator[str]:
        """The names of all tools that share a term with the request, or are near to it, the best first.

        Of equals, the one that was added first is first: the same request gives the same order.
        """
        import numpy as np

        texts = [Weighted(request)] if isinstance(request, str) else request
        wanted = [(_parts(each.text), each.weight) for each in texts]
        with self._lock:
            scores = np.zeros(len(self._specs))
            for parts, weight in wanted:
                scores += weight * self._score(parts)
            specs = self._specs.copy()
        if self.nearness is not None and texts:
            near = self.nearness.scores(texts[0].text, specs)
            scores = scores if near is None else _fused(scores, near)
        order = np.argsort(-scores, kind="stable")[: int(np.count_nonzero(scores))]
        for slot in map(int, order):
            if (spec := specs[slot]) is not None:
                yield spec.name

    def _score(self, parts: list[list[str]]) -> Scores:
        """The first of `parts` is the whole text, the others its sentences, whose best one counts."""
        import numpy as np

        scores = self._score_one(parts[0])
        if len(parts) > 1:
            best = self._score_one(parts[1])
            for part in parts[2:]:
                np.maximum(best, self._score_one(part), out=best)
            scores += _SENTENCE_WEIGHT * best
        return scores

    def _score_one(self, wanted: list[str]) -> Scores:
        import numpy as np

        scores = np.zeros(len(self._specs))
        for term in wanted:
            if (postings := self._postings.get(term)) is not None:
                rarity = _rarity(len(postings.slots), len(self._specs))
                scores[np.asarray(postings.slots)] += rarity * np.asarray(postings.impacts)
        return scores

    def _enter(self, spec: ToolSpec, found: dict[str, float]) -> None:
        slot = self._slots[spec.name] = len(self._specs)
        self._specs.append(spec)
        for term, impact in found.items():
            postings = self._postings.get(term)
            if postings is None:
                postings = self._postings[term] = _Postings(array("q"), array("d"))
            postings.slots.append(slot)
            postings.impacts.append(impact)

    def _forget(self, name: str) -> None:
        """Leave the slot empty; when half of all are, everything moves together."""
        slot = self._slots.pop(name, None)
        if slot is None:
            return
        self._specs[slot] = None
        dead = len(self._specs) - len(self._slots)
        if dead >= _FEWEST_DEAD and dead >= len(self._slots):
            kept = [spec for spec in self._specs if spec is not None]
            self._slots, self._specs, self._postings = {}, [], {}
            for spec in kept:
                self._enter(spec, impacts(spec))


def _fused(scores: Scores, near: NDArray[np.float32]) -> Scores:
    """Both orders as one: what stands in front of either stands in front."""
    import numpy as np

    fused = np.zeros(len(scores))
    by_words = np.argsort(-scores, kind="stable")[: int(np.count_nonzero(scores))]
    by_meaning = np.argsort(-near, kind="stable")[:_NEAREST]
    for order, weight in ((by_words, 1.0), (by_meaning, _MEANING)):
        fused[order] += weight / (_FUSED + 1 + np.arange(len(order)))
    return fused


def _rarity(having: int, all_: int) -> float:
    """BM25's inverse document frequency."""
    return math.log(1 + (all_ - having + 0.5) / (having + 0.5))


def sentences(text: str) -> list[str]:
    """What may be separate wishes of a request."""
    return _BREAK.split(text)[:_MOST_SENTENCES]


def _parts(text: str) -> list[list[str]]:
    """The terms of the whole text, and of each sentence where it has several."""
    if len(text) > _MOST_CHARACTERS:
        half = _MOST_CHARACTERS // 2
        text = f"{text[:half]}\n{text[-half:]}"
    whole = list(dict.fromkeys(terms(text)))
    held = [list(dict.fromkeys(terms(each))) for each in sentences(text)]
    telling = [each for each in held if len(each) >= 2]
    return [whole, *telling] if len(telling) > 1 else [whole]
