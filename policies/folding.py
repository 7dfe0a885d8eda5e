"""One spelling for texts that look alike, whatever their width, case, accents, digits and invisible characters.

What it is: a fold, character by character, so that a part of a text folds to a part of the folded text,
and offsets lead back. `Ｓｅｃｒｅｔ`, `sécret`, `se<zero width space>cret` and `SECRET` fold to `secret`,
traditional Chinese (`輪`) to simplified, digits of any script to ASCII's.
Tag characters (U+E0020…), with which text can be hidden from people, fold to the letters that they carry.
What it is not: a table of look-alikes in other scripts: a Cyrillic `а` stays one.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

from policies.simplified import SIMPLIFIED

_ACCENTS = range(0x0300, 0x0370)
_TAGS = range(0xE0020, 0xE007F)
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_UNSEEN = frozenset(
    (0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0)
)
"""Characters that nobody sees, although Unicode takes them for letters, marks and symbols."""
_BOXED = {range(0x1F150, 0x1F16A), range(0x1F170, 0x1F18A), range(0x1F1E6, 0x1F200)}
"""Letters on dark ground and of flags, A to Z, which have no compatibility form."""
_MOST_KNOWN = 70_000


class _Table(dict[int, str]):
    """From code point to its fold, filled as characters are met; for `str.translate`."""

    def __missing__(self, point: int) -> str:
        folded = _fold_one(point)
        if len(folded) != 1:
            _UNEVEN.add(chr(point))
        if len(self) < _MOST_KNOWN:
            self[point] = folded
        return folded


def _fold_one(point: int) -> str:
    if point in _TAGS:
        return chr(point - 0xE0000).casefold()
    for letters in _BOXED:
        if point in letters:
            return chr(ord("a") + point - letters.start)
    character = chr(point)
    if point in _UNSEEN or unicodedata.category(character) == "Cf":
        return ""
    if any(point in each for each in _SELECTORS):
        return ""
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    parts = unicodedata.normalize("NFKD", character)
    kept = "".join(part for part in parts if ord(part) not in _ACCENTS)
    # Kana keep their sound marks apart: half-width kana have them apart, too.
    composed = kept if "\u3099" in kept or "\u309a" in kept else unicodedata.normalize("NFC", kept)
    return SIMPLIFIED.get(composed, composed.casefold())


_UNEVEN: set[str] = set()
"""Those characters met so far that do not fold to one character."""
_TABLE = _Table()


@dataclass(slots=True)
class Folded:
    """A text and its fold. `start(i)` and `end(i)` lead from offsets in the fold to the original's.

    With `is_even` every character folds to one, and offsets are the same.
    """

    original: str
    text: str
    is_even: bool
    _ends: list[int] | None = field(default=None, repr=False)

    def start(self, offset: int) -> int:
        """Where the character begins that the folded one at `offset` comes from."""
        return offset if self.is_even else bisect_right(self._known, offset)

    def end(self, offset: int) -> int:
        """Behind the character that the folded one before `offset` comes from."""
        return offset if self.is_even or offset == 0 else bisect_right(self._known, offset - 1) + 1

    def length(self, characters: int) -> int:
        """How long the fold of the first `characters` of the original is."""
        if self.is_even or characters == 0:
            return characters
        return self._known[characters - 1]

    @property
    def _known(self) -> list[int]:
        """For each original character, where its fold ends."""
        if self._ends is None:
            lengths = (len(_TABLE[ord(character)]) for character in self.original)
            self._ends = list(accumulate(lengths))
        return self._ends


def fold(text: str) -> Folded:
    """Fold a text, in time linear in its length."""
    if text.isascii():
        return Folded(text, text.lower(), is_even=True)
    folded = text.translate(_TABLE)
    return Folded(text, folded, len(folded) == len(text) and _UNEVEN.isdisjoint(text))
