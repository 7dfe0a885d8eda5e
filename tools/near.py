"""Which known names look like one that is not known.

What it is: a cheap score over all names (pairs of neighbouring characters), then difflib's careful one
over the best of them, so that a registry of thousands answers within milliseconds.
What it is not: a decision. A near name is suggested to the model, never called in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from heapq import nlargest

_SUGGESTED = 5
_LOOKED_AT = 30
_ALIKE = 0.6
_MAX_CHARACTERS = 64


def normalised(name: str) -> str:
    """Names that models confuse have the same normal form: `Get-Weather`, `get_weather`."""
    return name.casefold().replace("-", "_")


def near_names(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to five of `known` that look like `name`, best first."""
    wanted = normalised(name[:_MAX_CHARACTERS])
    pairs = _pairs(wanted)
    likely = nlargest(_LOOKED_AT, ((_shared(pairs, each), each) for each in known))
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    scored: list[tuple[float, str]] = []
    for shared, each in likely:
        if shared == 0 and len(wanted) > 3:  # short names may share no pair: `add`, `dad`
            continue
        matcher.set_seq1(normalised(each))
        if (score := matcher.ratio()) >= _ALIKE:
            scored.append((-score, each))
    return tuple(each for _, each in sorted(scored)[:_SUGGESTED])


def _pairs(name: str) -> frozenset[str]:
    return frozenset(name[i : i + 2] for i in range(len(name) - 1))


def _shared(pairs: frozenset[str], name: str) -> float:
    theirs = _pairs(normalised(name))
    return 2 * len(pairs & theirs) / max(len(pairs) + len(theirs), 1)
