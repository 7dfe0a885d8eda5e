"""Words and patterns that an operator lists, found by RE2: linear in the text whatever they are.

What it is: thousands of words at once, in any script; a word of a script with spaces is found as a whole
word, one of a script without is found wherever it stands. Patterns are RE2's, without regard to case and
width, with bounded repetitions: a stream can only be filtered for what has a length.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from copy import copy
from importlib import import_module
from typing import Any
from unicodedata import category

import re2

from policies.filters.rejoined import UNSPACED, Rejoined
from policies.folding import fold

MAX_REACH = 1_000
MAX_STEPS = 2_000
"""Of a pattern as RE2 compiles it: at the worst, each character of a text costs that many."""
_MEMORY = 64 << 20
_re2: Any = re2  # ships no types
_sre: Any = import_module("re._parser")
_RUN = re.compile("[a-z0-9]+")
_UNSPACED = re.compile(f"[{UNSPACED}]")


class BadList(ValueError):
    """A word or pattern is refused; the message says why and what to write instead."""


class Listed:
    """What `expression` matches: at most `reach` characters, of `alphabet` (None: of any)."""

    clue = None

    def __init__(
        self, kind: str, expression: str, reach: int, alphabet: str | None, *, words: bool
    ) -> None:
        options = _re2.Options()
        options.log_errors = False
        options.case_sensitive = False
        options.max_mem = _MEMORY
        options.longest_match = words
        try:
            self._matcher: Any = _re2.compile(expression.encode(), options)
        except _re2.error as error:
            raise BadList(f"nothing that RE2 reads: {error}") from error
        if not words and (steps := self._matcher.programsize) > MAX_STEPS:
            raise BadList(f"it takes {steps} steps, {MAX_STEPS} are allowed: repeat less often")
        self.kind = kind
        self.firsts: frozenset[str] | None = None
        self._reach = reach
        self._alphabet = alphabet
        self.whole = words
        ends = re.escape(alphabet) if alphabet else r"\s\S"
        self._end = re.compile(f"[{ends}]{{0,{reach + 1}}}").match  # over a text read backwards

    def taken_apart(self) -> Rejoined:
        """The same words with gaps in them: where all letters stand alone, a word has no bounds."""
        anywhere = copy(self)  # what was compiled serves both
        anywhere.whole = False
        return Rejoined(anywhere, self._alphabet or "", self._reach, symbols=True)

    def find(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        data = text.encode("utf-8", "replace")  # half a surrogate pair becomes one question mark
        byte = len(text[:start].encode("utf-8", "replace")) if start else 0
        if self._matcher.search(data, byte) is None:
            return iter(())
        return self._found(text, data, start, byte)

    def _found(self, text: str, data: bytes, at: int, byte: int) -> Iterator[tuple[int, int]]:
        while (match := self._matcher.search(data, byte)) is not None:
            first, last = match.span()
            begin = at + _characters(data, byte, first)
            end = begin + _characters(data, first, last)
            while match is not None and self.whole and _is_part(text, begin, end):
                if (match := self._matcher.match(data, first, last - 1)) is not None:
                    last = match.end()
                    end = begin + _characters(data, first, last)
            if match is not None:
                yield begin, end
                at, byte = end, last
            else:  # a part of another word; one may begin inside it
                at, byte = begin + 1, first + len(text[begin].encode("utf-8", "replace"))

    def settled(self, text: str) -> int:
        # a sound or vowel mark that follows would make another word of the last one
        end = self._end(text[: -self._reach - 2 : -1])
        return len(text) if end is None else len(text) - end.end()


def words(listed: Sequence[str], kind: str = "word") -> Listed:
    """A detector of the words. Raises `BadList` for none, an empty or an endless one."""
    for word in listed:
        _check_whole(word)
    folded = sorted({" ".join(fold(word).text.split()) for word in listed})
    if not folded or not folded[0]:
        raise BadList("an empty word is found everywhere")
    reach = max(len(word) + 2 * word.count(" ") for word in folded)
    if reach > MAX_REACH:
        raise BadList(f"a word has more than {MAX_REACH} characters")
    expression = "|".join(r"\s{1,3}".join(map(_re2.escape, word.split())) for word in folded)
    used = set("".join(folded))
    alphabet = "".join(sorted(used | set(" \t\n\r\f\v") if " " in used else used))
    detector = Listed(kind, expression, reach, alphabet, words=True)
    detector.firsts = _firsts(folded)
    return detector


def _firsts(listed: Sequence[str]) -> frozenset[str] | None:
    """What words begin with, up to what is no ASCII letter or digit: in ASCII text a whole run, as words are whole.

    None where one begins with a sign. One that begins in another script stands in no ASCII text.
    """
    found: set[str] = set()
    for word in listed:
        run = _RUN.match(word)
        if run is not None:
            found.add(run[0])
        elif word[0].isascii():
            return None
    return frozenset(found)


def pattern(expression: str, kind: str = "pattern") -> Listed:
    """A detector of a pattern. Raises `BadList` for what RE2 can't read, what is empty, what has no bound."""
    _check_whole(expression)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of what later Pythons may read otherwise: RE2 reads it
            least, most = _sre.parse(expression).getwidth()
    except (re.error, RecursionError, OverflowError) as error:
        raise BadList(f"no regular expression: {error}") from error
    if least == 0:
        raise BadList("it matches the empty text, which is everywhere")
    if most > MAX_REACH:
        raise BadList(
            f"it can match more than {MAX_REACH} characters: write {{1,100}} in place of + and *"
        )
    return Listed(kind, _folded(expression), most, None, words=False)


def _folded(expression: str) -> str:
    """A pattern's letters as texts have them: without accents, in simplified Chinese. Ends of ranges stay."""
    ranged = {at for each in re.finditer("-", expression) for at in (each.start() - 1, each.end())}
    letters: list[str] = []
    for at, character in enumerate(expression):
        alike = character if character.isascii() or at in ranged else fold(character).text
        if len(alike) != 1:
            alike = character
        letters.append(re.escape(alike) if alike.isascii() and alike != character else alike)
    return "".join(letters)


def _check_whole(listed: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in listed):
        raise BadList("half a character (a lone surrogate) stands in it")


def _characters(data: bytes, start: int, end: int) -> int:
    return len(data[start:end].decode())


def _is_part(text: str, begin: int, end: int) -> bool:
    """Whether a match is a part of a longer word."""
    if end < len(text) and category(text[end]) in ("Mn", "Mc"):
        return True
    return _joined(text[begin - 1 : begin] if begin else "", text[begin]) or _joined(
        text[end - 1], text[end : end + 1]
    )


def _joined(left: str, right: str) -> bool:
    return bool(left and right) and all(
        each.isalnum() and not _UNSPACED.match(each) for each in (left, right)
    )
