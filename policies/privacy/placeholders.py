"""The form of a placeholder, and the way back from a text that comes in pieces.

    PRIVATE_EMAIL_KQZVWMTRHXBN    the word, the kind, twelve random letters

Word characters only, so that it survives JSON, URLs and Markdown; its length is fixed from the kind on, so
that nothing behind it has to be waited for; no vowels among the letters, so that no word comes about, and no
P, so that a text in front of a placeholder can never grow into it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator

LETTERS = "BCDFGHJKLMNQRSTVWXZ"
"""Twelve of them are 2 * 10^15 possibilities, about 51 bits."""
_COUNT = 12
_MOST_KIND = 16
FORM = re.compile(f"PRIVATE_[A-Z]{{1,{_MOST_KIND}}}_[{LETTERS}]{{{_COUNT}}}")
_FOLDED = re.compile(FORM.pattern.lower())
_TAIL = f"(?:[A-Z]{{1,{_MOST_KIND}}}(?:_[{LETTERS}]{{0,{_COUNT - 1}}})?)?"
_BEGUN = re.compile(rf"P(?:R(?:I(?:V(?:A(?:T(?:E(?:_{_TAIL})?)?)?)?)?)?)?\Z")
UNKNOWN = "[unknown]"
"""What stands in place of a placeholder that nobody made."""


def new_placeholder(kind: str) -> str:
    """One that can't be guessed. `kind` is what a detector calls it."""
    letters = "".join(each for each in kind.upper() if "A" <= each <= "Z")[:_MOST_KIND]
    token = "".join(secrets.choice(LETTERS) for _ in range(_COUNT))
    return f"PRIVATE_{letters or 'VALUE'}_{token}"


class LookAlike:
    """A detector of what has the form already, so that it is hidden like anything else: its escape."""

    kind = "text"
    clue = None

    def find(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        return (match.span() for match in _FOLDED.finditer(text, start))

    def settled(self, text: str) -> int:
        """Whole texts alone are searched."""
        del text
        return 0


class Restorer:
    """One text on its way back. `value_of` gives what a placeholder stands for, None for an unknown one.

    What may be the beginning of a placeholder waits; the same comes out however the text was cut.
    `unknown` tells whether one came that nobody made.
    """

    def __init__(self, value_of: Callable[[str], str | None]) -> None:
        self._value_of = value_of
        self._held = ""
        self.unknown = False

    def feed(self, text: str) -> str:
        """What is settled now."""
        text = self._held + text
        done: list[str] = []
        at = 0
        for match in FORM.finditer(text):
            done += (text[at : match.start()], self._value(match.group()))
            at = match.end()
        begun = _BEGUN.search(text, at)
        until = len(text) if begun is None else begun.start()
        done.append(text[at:until])
        self._held = text[until:]
        return "".join(done)

    def finish(self) -> str:
        """What was held back. Nothing may be fed afterwards."""
        held, self._held = self._held, ""
        return held

    def _value(self, placeholder: str) -> str:
        value = self._value_of(placeholder)
        if value is None:
            self.unknown = True
            return UNKNOWN
        return value
