"""A text as the terms that a request and a definition are compared by.

What it is: lower-case words with the commonest English endings taken off, identifiers cut where their
parts meet (`getUserName`, `get_user-name`), Chinese, Japanese and Korean as pairs of neighbouring
characters, for they set no spaces. Words that stand in any request are left out.
What it is not: linguistics. An ending that is cut wrongly is cut wrongly on both sides.
"""

from __future__ import annotations

import re
from functools import lru_cache

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_COMMON = frozenset(
    "a about also an and are as at be been by can could do does for from given had has have he help her"
    " his how i if in into is it its just let like m me my need of on or our please s she should so some"
    " such than that the their them then there these they this to us use used using want was we were"
    " what when where which who will with would you your".split()
)
_SIBILANT = ("sses", "shes", "ches", "xes")
_NO_PLURAL = ("ss", "us", "is")
_LONGEST_WORD = 64


def terms(text: str) -> list[str]:
    """The terms of a text in its order, repeated as often as they stand there."""
    found: list[str] = []
    for word in _WORD.findall(_HUMP.sub(" ", text).casefold()):
        if word.isascii():
            if word not in _COMMON:
                found.append(_stem(word[:_LONGEST_WORD]))
            continue
        for run in _UNSPACED.findall(word):
            found.extend([run[i : i + 2] for i in range(len(run) - 1)] or [run])
        found.extend(_stem(rest[:_LONGEST_WORD]) for rest in _UNSPACED.sub(" ", word).split())
    return found


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """A word without plural, `-ing`, `-ed` and a silent `e`."""
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(_SIBILANT):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(_NO_PLURAL):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word
