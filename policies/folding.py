"""One spelling for texts that look alike: width, case, compatibility forms, accents, invisible characters.

What it is: a fold, character by character, so that a part of a text folds to a part of the folded text,
and offsets lead back. `Ｓｅｃｒｅｔ`, `sécret`, `se<zero width space>cret` and `SECRET` fold to `secret`.
Tag characters (U+E0020…), with which text can be hidden from people, fold to the letters that they carry.
What it is not: a table of look-alikes in other scripts: a Cyrillic `а` stays one.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

_ACCENTS = range(0x0300, 0x0370)
_TAGS = range(0xE0020, 0xE007F)
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_MOST_KNOWN = 70_000


class _Table(dict[int, str]):
    """From code point to its fold, filled as characters are met; for `str.translate`."""

    def __missing__(self, point: int) -> str:
        folded = _fold_one(point)
        if len(self) < _MOST_KNOWN:
            self[point] = folded
        return folded


def _fold_one(point: int) -> str:
    if point in _TAGS:
        return chr(point - 0xE0000).casefold()
    character = chr(point)
    if unicodedata.category(character) == "Cf" or any(point in each for each in _SELECTORS):
        return ""
    parts = unicodedata.normalize("NFKD", character)
    kept = "".join(part for part in parts if ord(part) not in _ACCENTS)
    # Kana keep their sound marks apart: half-width kana have them apart, too.
    composed = kept if "\u3099" in kept or "\u309a" in kept else unicodedata.normalize("NFC", kept)
    return composed.casefold()


_TABLE = _Table()


@dataclass(slots=True)
class Folded:
    """A text and its fold. `start(i)` and `end(i)` lead from offsets in the fold to the original's."""

    original: str
    text: str
    _ends: list[int] | None = field(default=None, repr=False)

    def start(self, offset: int) -> int:
        """Where the character begins that the folded one at `offset` comes from."""
        return offset if self._same else bisect_right(self._known, offset)

    def end(self, offset: int) -> int:
        """Behind the character that the folded one before `offset` comes from."""
        return offset if self._same or offset == 0 else bisect_right(self._known, offset - 1) + 1

    def length(self, characters: int) -> int:
        """How long the fold of the first `characters` of the original is."""
        if self._same or characters == 0:
            return characters
        return self._known[characters - 1]

    @property
    def _same(self) -> bool:
        """ASCII folds one to one."""
        return self.original.isascii()

    @property
    def _known(self) -> list[int]:
        """For each original character, where its fold ends."""
        if self._ends is None:
            lengths = (len(_TABLE[ord(character)]) for character in self.original)
            self._ends = list(accumulate(lengths))
        return self._ends


def fold(text: str) -> Folded:
    """Fold a text, in time linear in its length."""
    return Folded(text, text.lower() if text.isascii() else text.translate(_TABLE))
