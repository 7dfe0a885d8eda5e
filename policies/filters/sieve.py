"""Detectors over a text that comes in pieces: nothing slips out between two of them.

What it is: the text goes in as it comes and comes out in segments, each plain or found by a detector. What
comes out is the same however the text was cut: a detector says up to where its matches are settled
whatever follows, and only that much is let go. The rest waits, for ordinary text not longer than a word.
What it is not: a decision what becomes of a match; `policies.rules.filter` has the actions.

Detectors read folded text (`policies.folding`), so width, case and invisible characters hide nothing; the
segments are cut from the original. Time is linear in the text as far as the detectors' is.

Ordinary words are passed on without asking each detector: where no detector's `clue` stands, none can have
found anything before the last word; and where in ASCII text no word stands with which a match begins (`firsts`),
detectors without a clue need not be asked either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from policies.filters.numerals import NUMERALS
from policies.folding import Folded, fold

WORD = "abcdefghijklmnopqrstuvwxyz0123456789._%+'-" + "".join(NUMERALS)
"""What the beginnings of matches are made of that hold no clue yet."""
_RUNS = re.compile("[a-z0-9]+").findall
_SHORT = 64
"""Characters up to which a text may wait for its word to end before it is looked at closely."""


class Segment(NamedTuple):
    """A piece of the original text; `kind` is None where nothing was found in it."""

    text: str
    kind: str | None = None


class Detector(Protocol):
    """Finds one kind of thing in folded text. Matches are bounded and never empty.

    One without a clue may have the attribute `firsts`, a set of texts: in ASCII text each of its matches begins with
    one of these, a run of letters and digits, and the whole of it.
    """

    @property
    def kind(self) -> str: ...

    @property
    def clue(self) -> str | None:
        """A pattern that stands in every match; before it a match has only characters of `WORD`.

        None: there is no telling.
        """
        ...

    def find(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        """The matches from `start` on, in order, without overlap; what is before `start` is context."""
        ...

    def settled(self, text: str) -> int:
        """Up to here no match begins that more text could change or bring about."""
        ...


def segments(text: str, detectors: Sequence[Detector]) -> list[Segment]:
    """A whole text in segments."""
    sieve = Sieve(detectors)
    return [*sieve.feed(text), *sieve.finish()]


@dataclass(frozen=True, slots=True)
class _Found:
    """A match, in offsets of the folded text."""

    start: int
    end: int
    kind: str


class Sieve:
    """One text. Feed it, then `finish` once."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = tuple(detectors)
        self._text = ""
        self._told = 0  # how much of `_text` is context that was let go already
        clues = dict.fromkeys(each.clue for each in self._detectors if each.clue is not None)
        self._clue = re.compile("|".join(clues)) if clues else None
        self._asked = [
            (n, each.settled, each.find)
            for n, each in enumerate(self._detectors)
            if each.clue is None
        ]
        self._firsts = _firsts(each for each in self._detectors if each.clue is None)
        self._resume = [0] * len(self._detectors)
        self._ones = [1] * len(self._detectors)
        self._found: list[_Found] = []

    def feed(self, text: str) -> list[Segment]:
        """The segments that are settled now."""
        if not text:
            return []
        self._text += text
        passed = self._pass()
        return self._advance(last=False) if passed is None else passed

    def finish(self) -> list[Segment]:
        """What is left. Nothing may be fed afterwards."""
        return self._advance(last=True)

    def _pass(self) -> list[Segment] | None:
        """What is settled of ordinary words; None: it has to be looked at closely.

        `_advance` would come to the same, only later and at more cost.
        """
        text = self._text
        if self._found or len(text) > _SHORT:
            return None
        whole = None if text.isascii() else fold(text)
        folded = text.lower() if whole is None else whole.text
        even = whole is None or whole.is_even
        cut = len(folded)
        if self._clue is not None:
            if self._clue.search(folded):
                return None
            cut = len(folded.rstrip(WORD))
            if even and cut <= self._told:
                return []
            if whole is None and self._firsts is not None:
                runs = _RUNS(folded, 0, cut)  # what stands before `cut` ends no run
                for each in self._firsts:
                    if not each.isdisjoint(runs):
                        break
                else:
                    return self._let_go(cut)
        for _, settled, _ in self._asked:
            cut = min(cut, settled(folded))
        until = cut if whole is None else whole.start(cut)
        if until <= self._told:
            return []
        for index, _, find in self._asked:
            for _ in find(folded, self._resume[index]):
                return None
        if whole is None or even:
            return self._let_go(cut)
        passed = Segment(text[self._told : until])
        self._resume = [cut] * len(self._resume)
        self._forget(whole, until, cut)
        return [passed]

    def _let_go(self, cut: int) -> list[Segment]:
        """Up to `cut` nothing was found, and each character folds to one: the last one stays, as context."""
        passed = Segment(self._text[self._told : cut])
        self._text, self._told = self._text[cut - 1 :], 1
        self._resume = self._ones
        return [passed]

    def _advance(self, *, last: bool) -> list[Segment]:
        folded = fold(self._text)
        cut = self._search(folded.text, last=last)
        regions = _merged(self._found)
        for region in reversed(regions):
            if region.start < cut < region.end:
                cut = region.start
        until = len(self._text) if last else max(folded.start(cut), self._told)
        told: list[Segment] = []
        at = self._told
        for region in regions:
            if region.end > cut:
                break
            start, end = max(folded.start(region.start), at), folded.end(region.end)
            if start > at:
                told.append(Segment(self._text[at:start]))
            told.append(Segment(self._text[start:end], region.kind))
            at = end
        if until > at:
            told.append(Segment(self._text[at:until]))
        self._forget(folded, max(at, until), cut)
        return told

    def _search(self, text: str, *, last: bool) -> int:
        """Find what is settled; gives up to where everything is."""
        cut = len(text)
        self._resume = [*self._resume]  # it may be `_ones`
        seen: dict[str | None, bool] = {None: True}
        for index, detector in enumerate(self._detectors):
            settled = len(text) if last else detector.settled(text)
            start, clue = self._resume[index], detector.clue
            if clue is not None and clue not in seen:
                seen[clue] = re.search(clue, text) is not None
            if start < settled and not seen[clue]:  # every match holds its clue
                self._resume[index] = settled
            elif start < settled:
                for begin, end in detector.find(text, start):
                    if begin >= settled:
                        break
                    self._found.append(_Found(begin, end, detector.kind))
                    start = end
                self._resume[index] = max(start, settled)
            cut = min(cut, settled)
        return cut

    def _forget(self, folded: Folded, until: int, cut: int) -> None:
        """Keep what is not let go, and the character before it as context."""
        context = max(min(folded.start(max(folded.length(until) - 1, 0)), until), 0)
        shift = folded.length(context)
        self._text = self._text[context:]
        self._told = until - context
        self._resume = [max(each - shift, 0) for each in self._resume]
        self._found = [
            _Found(each.start - shift, each.end - shift, each.kind)
            for each in self._found
            if each.end > cut
        ]


def _firsts(detectors: Iterable[Detector]) -> list[frozenset[str]] | None:
    """Those of each; None where one can't tell."""
    told: list[frozenset[str] | None] = [getattr(each, "firsts", None) for each in detectors]
    known = [each for each in told if each is not None]
    return known if len(known) == len(told) else None


def _merged(found: list[_Found]) -> list[_Found]:
    """The matches in order, those that overlap as one, named for the first, of equals the longest."""
    merged: list[_Found] = []
    for each in sorted(found, key=lambda match: (match.start, -match.end, match.kind)):
        if merged and each.start < merged[-1].end:
            first = merged[-1]
            merged[-1] = _Found(first.start, max(first.end, each.end), first.kind)
        else:
            merged.append(each)
    return merged
