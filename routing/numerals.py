"""Numbers as people write them: `1,234.50`, `1.234,5`, `3k`, `twenty-five`, `a dozen`, `三百二十`, `５`. Pure.

What it is: every reading of every number in a text, in one spelling, for comparison.
What it is not: a parser that decides. `3,500` is 3500 and 3.5 here; whoever compares takes either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

_DIGITS = re.compile(r"\d+(?:[.,']\d+|[\u00a0\u202f ]\d{3}(?!\d))*(?:\s?[kK](?![^\W\d_]))?")
_CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?")
_SEPARATORS = re.compile(r"[,'\u00a0\u202f ]")
_GROUPED = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+,\d+")
_WORDS = re.compile(r"[a-z]+")
_LONGEST = 40
"""Characters of one number; a longer run of digits is an identifier."""

_ONES = dict(
    zip(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
        " fifteen sixteen seventeen eighteen nineteen".split(),
        range(20),
        strict=True,
    )
)
_TENS = dict(
    zip(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(),
        range(20, 100, 10),
        strict=True,
    )
)
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "dozen": 12}
_FIGURES = {figure: value for value, figure in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}


def readings(text: str) -> frozenset[frozenset[str]]:
    """The readings of each number in `text` (normalised by NFKC and case-folded before)."""
    found = (each - {""} for read in (_digits, _english, _chinese) for each in read(text))
    return frozenset(each for each in found if each)


def numbers(text: str) -> frozenset[str]:
    """Every reading of every number in `text`."""
    return frozenset[str]().union(*readings(text))


def plain(value: str) -> str:
    """A number in the one spelling: no exponent, no trailing zeros; empty when it is none."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return ""
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST:
        return ""
    shown = format(number.normalize(), "f")
    return "0" if shown == "-0" else shown


def _digits(text: str) -> Iterator[frozenset[str]]:
    for match in _DIGITS.finditer(text):
        found = match[0].rstrip("kK ")
        if len(found) > _LONGEST:
            continue
        scale = "" if found == match[0] else "e3"
        spellings = {_SEPARATORS.sub("", found)}
        if _GROUPED.fullmatch(found):
            spellings.add(found.replace(".", "").replace(",", "."))
        read = frozenset(plain(spelling + scale) for spelling in spellings) - {""}
        if read:
            yield read
        else:  # a version, an address: its parts
            yield from (frozenset({plain(part)}) for part in re.findall(r"\d+", found))


def _english(text: str) -> Iterator[frozenset[str]]:
    """Words up to millions, read as long as they follow one another."""
    total = current = 0
    reading = False
    end = 0
    for match in _WORDS.finditer(text):
        word = match[0]
        known = word in _ONES or word in _TENS or word in _SCALES
        joined = text[end : match.start()].strip(" -\n") == ""
        if reading and not (joined and (known or word == "and")):
            yield frozenset({str(total + current)})
            total = current = 0
            reading = False
        end = match.end()
        if word in _ONES:
            current, reading = current + _ONES[word], True
        elif word in _TENS:
            current, reading = current + _TENS[word], True
        elif word in _SCALES:
            scaled, reading = (current or 1) * _SCALES[word], True
            total, current = (total, scaled) if scaled < 1000 else (total + scaled, 0)
        elif word == "half":
            yield frozenset({"0.5"})
    if reading:
        yield frozenset({str(total + current)})


def _chinese(text: str) -> Iterator[frozenset[str]]:
    for match in _CHINESE.finditer(text):
        if len(match[0]) > _LONGEST:
            continue
        whole, _, part = match[0].partition("点")
        value = _chinese_whole(whole)
        digits = "".join(str(_FIGURES[figure]) for figure in part)
        yield frozenset({plain(f"{value}.{digits}" if digits else str(value))})


def _chinese_whole(text: str) -> int:
    if not any(figure in text for figure in "十百千万亿"):
        return int("".join(str(_FIGURES[figure]) for figure in text[:_LONGEST]))
    total = section = figure = 0
    for character in text:
        if character in _FIGURES:
            figure = _FIGURES[character]
        elif character in _PLACES:
            section += (figure or 1) * _PLACES[character]
            figure = 0
        else:
            total = (total + section + figure or 1) * _MYRIADS[character]
            section = figure = 0
    return total + section + figure
