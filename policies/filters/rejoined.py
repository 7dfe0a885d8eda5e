"""Words and numbers that were taken apart so that a filter does not see them: `b-a-d`, `敏 感 词`, `法*轮`, `一三八…`.

What it is: detectors beside the plain ones, over the same folded text. Two kinds of gaps are closed before
another detector is asked: between letters that stand alone, each from the next (`b a d`), whatever separates
them; and between characters of scripts without spaces, where symbols stand that prose has no use for there.
Digits that are written in Chinese are read as digits where many stand together.
What it is not: an undoing of every trick. `敏 感词` and `方法，轮到你` look alike to it, so a space or a comma
alone between words is no gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.filters.numerals import NUMERALS
from policies.filters.sieve import Detector

UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3021-\u302f\u3031-\u3035\u303b-\ua4cf"
    r"\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Characters of scripts without spaces, for a class of a pattern."""
_APART = (
    r"\x00-/:-@\[-`{-\xbf\xd7\xf7\u2010-\u27bf\u2b00-\u2bff\u3000-\u3004\u3008-\u3020\u3030\u3036-\u303a\u303c-\u303f"
    r"\U0001f000-\U0001faff"
)
"""What can stand between letters, for a class: punctuation, spaces, symbols, pictures."""
_SYMBOLS = r"\x00-\x08\x0e-\x1f#$%&*+\-./<=>@\\\^_`|~\xb7\u2022\u2190-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_LETTER = re.compile(f"[^{_APART}]")
_LONGEST = 19
_DIGITS = "0123456789"
_SPELT = "".join(NUMERALS) + _DIGITS + "x"


class Rejoined:
    """What `inner` finds in a text of `alphabet` once gaps are closed: of at most `reach` characters.

    With `symbols`, gaps between characters of scripts without spaces are closed as well. However a text is
    cut the same is found, but for runs of more than `reach` letters each of which stands alone.
    """

    def __init__(self, inner: Detector, alphabet: str, reach: int, *, symbols: bool) -> None:
        self.kind = inner.kind
        self.clue = inner.clue
        self._inner = inner
        self.firsts = frozenset(each for each in alphabet if each.isascii() and each.isalnum())
        self._window = 4 * reach + 8
        letters = "".join(each for each in alphabet if _LETTER.match(each))
        letter = f"[{re.escape(letters)}]" if letters else r"[^\s\S]"
        # a class first: that is what `re` looks for quickly
        alone = f"{letter}(?<![^{_APART}]{letter})(?![^{_APART}])"
        self._alone = re.compile(f"{alone}(?:[{_APART}]{{1,3}}{alone})+")
        # These two read a text backwards from its end: what may yet become a run.
        self._open = re.compile(
            f"[{_APART}]{{0,3}}((?:{letter}[{_APART}]{{1,3}}){{0,{reach}}}+(?:{letter}(?![^{_APART}]))?+)"
        ).match
        hint = f"{alone}[{_APART}]{{1,3}}{alone}"
        self._dense = self._tail = None
        dense = "".join(re.findall(f"[{UNSPACED}]", letters)) if symbols else ""
        if dense:
            one = f"[{re.escape(dense)}]"
            self._dense = re.compile(f"(?<!{one}){one}++(?:[{_SYMBOLS}]{{1,2}}{one}++)+")
            self._tail = re.compile(f"(?:[{_SYMBOLS}]{{0,2}}{one}){{1,{reach}}}").match
            hint += f"|{one}[{_SYMBOLS}]{{1,2}}{one}"
        self._hint = re.compile(hint).search

    def find(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        return iter(()) if self._hint(text, start) is None else self._found(text, start)

    def settled(self, text: str) -> int:
        settled = length = len(text)
        end = text[: -self._window - 1 : -1]
        if self._tail is not None and (tail := self._tail(end)) is not None:
            settled -= tail.end()
        if (run := self._open(end)) is not None and run[1]:
            settled = min(settled, length - run.end())
        return settled

    def _found(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        found = [each for run in self._alone.finditer(text, start) for each in self._in(text, run)]
        if self._dense is not None:
            rest = text[start:]  # a run may have begun before, of which nothing more is to be found
            for run in self._dense.finditer(rest):
                found += [(start + begin, start + end) for begin, end in self._in(rest, run)]
        before = start
        for begin, end in sorted(found):
            if begin >= before:
                yield begin, end
                before = end

    def _in(self, text: str, run: re.Match[str]) -> Iterator[tuple[int, int]]:
        places = [each.start() for each in _LETTER.finditer(text, *run.span())]
        for begin, end in self._inner.find("".join([text[each] for each in places]), 0):
            first, last = places[begin], places[end - 1]
            if last - first >= end - begin:  # else it stands there without a gap
                yield first, last + 1


class Spelled:
    """What `inner` finds among digits, in runs of eleven to nineteen of which six in a row begin in Chinese."""

    clue = f"[{''.join(NUMERALS)}][{''.join(NUMERALS)}{_DIGITS}]{{5}}"
    _of = f"[{''.join(NUMERALS)}{_DIGITS}]"
    _runs = re.compile(f"(?<!{_of}){_of}{{11,{_LONGEST}}}x?(?!{_of})")
    _clue = re.compile(clue)
    _read = str.maketrans(NUMERALS)

    def __init__(self, inner: Detector) -> None:
        self.kind = inner.kind
        self._inner = inner

    def find(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        for run in self._runs.finditer(text, start):
            if self._clue.search(run[0]) is not None:
                for begin, end in self._inner.find(run[0].translate(self._read), 0):
                    yield run.start() + begin, run.start() + end

    def settled(self, text: str) -> int:
        run = text.rstrip(_SPELT)
        return max(len(run), len(text) - _LONGEST - 2)
