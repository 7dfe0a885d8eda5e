"""Detectors for what has a known form: addresses, numbers with a check digit, keys.

What it is: one detector a kind, over folded (lower-case, half-width) text, in linear time: every
repetition is bounded, a match begins behind a character that can't be part of one, and a check (Luhn, mod 97,
ISO 7064) decides where a form alone would say too much.
What it is not: names, addresses of houses, and whatever has no form. Nothing here is proof of absence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from policies.filters.rejoined import Rejoined, Spelled
from policies.filters.sieve import Detector

_DIGITS = "0123456789"
_DIGIT = "[0-9]"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NAME = _LETTERS + _DIGITS
_HEADER = "-----begin"
_FOOTER = re.compile(r"-----end [a-z0-9 ]{0,40}-----")
_PRIVATE = re.compile(r"-----begin [a-z0-9 ]{0,40}private key(?: block)?-----")


@dataclass(frozen=True, slots=True)
class Form:
    """Matches of `pattern`, made of `alphabet`, at most `reach` long.

    `valid` is asked of ever shorter beginnings of a match, down to `least` characters, each followed by
    no letter or digit; the first that passes is found. `unfinished` matches at the end of a text what may
    become a match, where the alphabet would say so of most texts.
    """

    kind: str
    clue: str
    pattern: re.Pattern[str]
    alphabet: str
    reach: int
    least: int = 0
    valid: Callable[[str], bool] | None = None
    unfinished: re.Pattern[str] | None = None

    def find(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        while (match := self.pattern.search(text, start)) is not None:
            end = match.end() if self.valid is None else self._end(text, match)
            if end is None:
                start = match.start() + 1
            else:
                yield match.start(), end
                start = end

    def _end(self, text: str, match: re.Match[str]) -> int | None:
        start, longest = match.span()
        for end in range(longest, start + self.least - 1, -1):
            whole = text[end - 1].isalnum() and not text[end : end + 1].isalnum()
            if whole and self.valid is not None and self.valid(text[start:end]):
                return end
        return None

    def settled(self, text: str) -> int:
        most = max(len(text.rstrip(self.alphabet)), len(text) - self.reach - 1)
        if self.unfinished is None:
            return most
        match = self.unfinished.search(text, most)
        return len(text) if match is None else match.start()


@dataclass(frozen=True, slots=True)
class Email:
    """E-mail addresses, found from their `@`; of a longer local part the last 64 characters."""

    kind: str = "email"
    clue: str = "@"
    _local = _NAME + "._%+'-"
    _domain = re.compile(r"@(?:[a-z0-9-]{1,63}\.){1,8}[a-z0-9-]{2,63}(?![a-z0-9])")
    _reach = 64 + 8 * 64 + 65

    def find(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        from_ = start
        while (at := text.find("@", from_)) >= 0:
            from_ = at + 1
            head = text[max(start, at - 64) : at]
            local = len(head) - len(head.rstrip(self._local))
            if local and (domain := self._domain.match(text, at)) is not None:
                yield at - local, domain.end()
                start = from_ = domain.end()

    def settled(self, text: str) -> int:
        open_ = len(text.rstrip(self._local + "@"))
        return max(open_, len(text) - self._reach - 1)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """Private keys from header to footer; without a footer, 8192 characters from the header."""

    kind: str = "private_key"
    clue: str = "-----b"
    _most = 8192

    def find(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        while (header := _PRIVATE.search(text, start)) is not None:
            end = self._end(text, header)
            yield header.start(), end
            start = end

    def settled(self, text: str) -> int:
        begin = text.find(_HEADER)
        while begin >= 0:
            header = _PRIVATE.match(text, begin)
            if header is None:
                if len(text) - begin <= 80:
                    return begin
                begin = text.find(_HEADER, begin + 1)
                continue
            end = self._end(text, header)
            if end == len(text) and len(text) - begin <= self._most:
                return begin
            begin = text.find(_HEADER, end)
        return len(text) - next(
            n for n in range(len(_HEADER), -1, -1) if text.endswith(_HEADER[:n])
        )

    def _end(self, text: str, header: re.Match[str]) -> int:
        most = min(header.start() + self._most, len(text))
        footer = _FOOTER.search(text, header.end(), most)
        return most if footer is None else footer.end()


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _luhn(text: str) -> bool:
    digits = [int(each) for each in _bare(text)]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = (each * 2 - 9 * (each > 4) for each in digits[-2::-2])
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


def _iban(text: str) -> bool:
    bare = _bare(text)
    if not 15 <= len(bare) <= 34:
        return False
    turned = bare[4:] + bare[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1


def _cn_id(text: str) -> bool:
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(each) * weight for each, weight in zip(text[:17], weights, strict=True))
    return "10x98765432"[total % 11] == text[17]


_CARD = Form(
    "card",
    _DIGIT,
    re.compile(
        r"(?<![0-9a-z])(?:[2-6][0-9]{12,18}|[2-6][0-9]{3}(?: [0-9]{4}){2,3}(?: [0-9]{1,4})?"
        r"|[2-6][0-9]{3}(?:-[0-9]{4}){2,3}(?:-[0-9]{1,4})?|3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5})"
    ),
    _DIGITS + " -",
    reach=40,
    least=13,
    valid=_luhn,
)
_IBAN = Form(
    "iban",
    _DIGIT,
    re.compile(r"(?<![a-z0-9])[a-z]{2}[0-9]{2}(?:[ -]?[a-z0-9]){11,30}"),
    _NAME + " -",
    reach=70,
    least=15,
    valid=_iban,
    unfinished=re.compile(
        r"(?<![a-z0-9])[a-z](?:[a-z](?:[0-9](?:[0-9](?:[ -]?[a-z0-9]){0,30}[ -]?)?)?)?\Z"
    ),
)
_CN_ID = Form(
    "cn_id",
    _DIGIT,
    re.compile(r"(?<![0-9])[1-9][0-9]{16}[0-9x]"),
    _DIGITS + "x",
    reach=19,
    least=18,
    valid=_cn_id,
)
_PHONE = Form(
    "phone",
    r"[0-9+(]",
    re.compile(
        r"(?<![0-9+])(?:(?:\+|00)[1-9](?:[ ()./-]{0,3}[0-9]){7,14}"
        r"|(?:86[ -]?)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}"
        r"|\(?[2-9][0-9]{2}\)?[ .-][0-9]{3}[ .-][0-9]{4})(?![0-9])"
    ),
    _DIGITS + "+ ()./-",
    reach=64,
)
_KEY = Form(
    "api_key",
    r"[a-z0-9_.-]{15}",  # no key is shorter
    re.compile(
        r"(?<![a-z0-9])(?:sk-[a-z0-9_-]{16,200}|[rsp]k_(?:live|test)_[a-z0-9]{10,200}|gh[opsur]_[a-z0-9]{20,255}"
        r"|github_pat_[a-z0-9_]{20,255}|glpat-[a-z0-9_-]{20,100}|a[ks]ia[a-z0-9]{16}(?![a-z0-9])"
        r"|aiza[a-z0-9_-]{35}|xox[abeoprs]-[a-z0-9-]{10,200}|hf_[a-z0-9]{20,100}|npm_[a-z0-9]{36}"
        r"|pypi-[a-z0-9_-]{50,300}|eyj[a-z0-9_-]{8,300}\.eyj[a-z0-9_-]{8,2000}\.[a-z0-9_-]{16,700})"
    ),
    _NAME + "_-.",
    reach=3100,
)


def _however_written(form: Form, letters: str = _DIGITS) -> tuple[Detector, ...]:
    """A number as it is, its digits set apart, and its digits in Chinese."""
    return form, Rejoined(form, letters, 40, symbols=False), Spelled(form)


KNOWN: Mapping[str, tuple[Detector, ...]] = {
    "email": (Email(),),
    "phone": _however_written(_PHONE),
    "card": _however_written(_CARD),
    "iban": (_IBAN,),
    "cn_id": _however_written(_CN_ID, _DIGITS + "x"),
    "secrets": (_KEY, PrivateKey()),
}
"""The detectors by the name that a rule calls them by."""
