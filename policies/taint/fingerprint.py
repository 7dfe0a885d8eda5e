"""What a text can be recognised by, however it is spelled: its grams and its tokens.

What it is: a text without case, width, accents, spaces and punctuation, cut into overlapping grams of
six characters. A Chinese, Japanese or Korean character says about as much as three Latin ones and
counts three times, so that a name of two characters is one gram.
What it is not: a judgement; `policies.taint.flow` compares fingerprints.

Time and memory are linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from policies.folding import fold
from policies.taint.decoding import readings

GRAM = 6
MAX_SOURCE = 300_000
"""Characters of one text that are looked at, readings included; beyond it everything counts as known."""

_DENSE = re.compile(r"[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_BARRED = re.compile(r"[\W_]+")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`grams` of the skeleton and `tokens` between separators. `whole` is False where it was cut."""

    grams: frozenset[str]
    tokens: frozenset[str]
    whole: bool = True

    def knows(self, gram: str) -> bool:
        """Whether the gram is in the text; of a text that was cut, everything may be."""
        return not self.whole or gram in self.grams

    def shares(self, parts: Sequence[str]) -> bool:
        """Whether one of the grams is, or may be, in the text."""
        return not self.whole or not self.grams.isdisjoint(parts)


def skeleton(text: str) -> str:
    """Letters and digits alone, folded; dense characters three times."""
    bare = _BARRED.sub("", fold(text).text)
    return bare if bare.isascii() else _DENSE.sub(lambda match: match[0] * 3, bare)


def grams(bare: str) -> list[str]:
    """The overlapping grams of a skeleton, in order."""
    return [bare[at : at + GRAM] for at in range(len(bare) - GRAM + 1)]


@lru_cache(maxsize=256)
def fingerprint(text: str) -> Fingerprint:
    """The fingerprint of a text in all its readings."""
    found: set[str] = set()
    tokens: set[str] = set()
    left = MAX_SOURCE
    for reading in readings(text[:MAX_SOURCE]):
        part, left = reading[: max(left, 0)], left - len(reading)
        bare = skeleton(part)
        found.update(grams(bare))
        folded = fold(part).text
        tokens.update(_WORD.findall(folded))
        tokens.update(_BARRED.sub("", each) for each in folded.split())
        if left < 0:
            return Fingerprint(frozenset(found), frozenset(tokens), whole=False)
    return Fingerprint(frozenset(found), frozenset(tokens), len(text) <= MAX_SOURCE)
