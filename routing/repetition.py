"""Holds back an answer that only repeats itself, so that nobody reads, or pays for, one without an end.

A model that has fallen into a loop says one piece over and over until its tokens are used up. Such text is let through for a while, then held back: it goes out late where the loop ends
by itself, as a table of zeros does, and never where it does not. Everything else passes at once.

What comes out does not depend on how the text was cut on its way: it is looked at after every `STEP` characters.
"""

from __future__ import annotations

STEP = 128
"""Characters after which the text is looked at again."""
SUSPECT = 256
"""Characters of repetition, at least, that are let through."""
LONGEST_PIECE = 1_024
"""Characters. What repeats in longer pieces is not seen as repetition."""

_KEPT_COPIES = 4
_COPIES = 16
_PROBE = 32
_MOST_TRIES = 64


class RepetitionGate:
    """Feed it an answer's pieces; it gives what may be shown.

    `endless` turns true when the last `most` characters were one piece, sixteen times or more; nothing is to be
    fed after that.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen = ""  # what was looked at, no more of its end than is needed
        self._new = ""  # what was not: shown already, unless it is held back
        self._held: list[str] = []  # blocks of `STEP` characters
        self._period = 0  # of what repeats; 0 while nothing is held back
        self.endless = False

    def feed(self, text: str) -> str:
        """What has become visible by `text`: possibly nothing."""
        new = self._new + text
        if len(new) >= STEP:
            return self._look(new)
        self._new = new
        return "" if self._period else text

    def finish(self, *, cut: bool = False) -> str:
        """The rest of a text that is over. Of one that was `cut` in the middle of a repetition, nothing.

        `endless` says afterwards whether something was dropped.
        """
        if not self._period or self.endless:
            return ""
        rest = "".join(self._held) + self._new
        if cut and len(rest) >= SUSPECT and self._goes_on(self._new):
            self.endless = True
            return ""
        return rest

    def _look(self, new: str) -> str:
        visible: list[str] = []
        done = 0 if self._period else len(self._new)  # characters of `new` that were shown already
        for start in range(0, len(new) - STEP + 1, STEP):
            block = new[start : start + STEP]
            if not self._period:
                visible.append(block[done:])
                done = 0
            elif self._goes_on(block):
                self._held.append(block)
            else:
                visible += (*self._held, block)
                self._held.clear()
                self._period = 0
            self._seen = (self._seen + block)[-_KEPT_COPIES * LONGEST_PIECE :]
            if not self._period:
                self._period = _period(self._seen)
            elif len(self._held) * STEP >= max(self._most, _COPIES * self._period):
                self.endless = True
                return "".join(visible)
        self._new = new[len(new) - len(new) % STEP :]
        if not self._period:
            visible.append(self._new[done:])
        return "".join(visible)

    def _goes_on(self, text: str) -> bool:
        """Whether `text` repeats what stands before it in the same period."""
        whole = self._seen[-self._period :] + text
        return whole[self._period :] == whole[: len(text)]


def _period(text: str) -> int:
    """How many characters after which the end of `text` repeats itself, at least four times; 0: it does not."""
    end = len(text) - _PROBE
    probe = text[end:]
    at = end
    for _ in range(_MOST_TRIES):
        at = text.rfind(probe, 0, at + _PROBE - 1)
        period = end - at
        covered = max(SUSPECT, _KEPT_COPIES * period)
        if at < 0 or covered > len(text):
            return 0
        if text[-covered:-period] == text[period - covered :]:
            return period
    return 0
