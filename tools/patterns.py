"""Regular expressions that come from strangers: checked at registration, run in linear time.

What it is: the `pattern` dialect that schemas here may use, which is what google-re2, Python's `re` and
ECMA-262 agree on. Matching runs on RE2, so time is linear in the text whatever the pattern is.
What it is not: a place for jsonschema (`tools.schema`).

A pattern on which a backtracking engine takes exponential time is refused all the same, since
engines, clients and other validators are going to run it: see `tools.ambiguity`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Protocol

import re2

from tools.ambiguity import is_ambiguous

MAX_PATTERN = 2_000
_re2: Any = re2  # ships no types
_Re2Error: type[Exception] = _re2.error
_UNICODE_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u([0-9a-fA-F]{4})")
_REMEDIES = (
    (
        re.compile(r"\(\?<?[=!]"),
        "look-around is not supported: describe what is allowed without it",
    ),
    (
        re.compile(r"\\[1-9]|\(\?P="),
        "back-references are not supported: spell the alternatives out",
    ),
    (
        re.compile(r"\{\d*,?\d{4,}\}"),
        "repetitions above 1000 are not supported: use minLength, maxLength, minItems or maxItems",
    ),
)


class Matcher(Protocol):
    """A compiled pattern. `search` gives None when the pattern is nowhere in the text."""

    def search(self, text: str) -> object | None: ...


class BadPattern(ValueError):
    """The pattern is refused; the message says why and what to write instead."""


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Matcher:
    """A linear-time matcher for `pattern`.

    Raises `BadPattern`: too long, no regular expression, not in RE2's language, or exponential on a
    backtracking engine.
    """
    if len(pattern) > MAX_PATTERN:
        raise BadPattern(f"the pattern has {len(pattern)} characters, {MAX_PATTERN} are allowed")
    options = _re2.Options()
    options.log_errors = False
    try:
        matcher: Matcher = _re2.compile(_UNICODE_ESCAPE.sub(r"\1\\x{\2}", pattern), options)
    except _Re2Error as error:
        raise BadPattern(_why_not(pattern, error)) from error
    try:
        re.compile(pattern)
        ambiguous = is_ambiguous(pattern)
    except RecursionError as error:
        raise BadPattern("nested too deep: flatten it") from error
    except (re.error, OverflowError) as error:
        raise BadPattern(f"no regular expression that Python's `re` reads: {error}") from error
    if ambiguous:
        raise BadPattern(
            "catastrophic: a repetition inside a repetition can match the same text in many ways, which"
            " takes exponential time on most engines; write '(a+)+' as"
            " 'a+', or end each round with a separator, as in '(a+-)*'"
        )
    return matcher


def _why_not(pattern: str, error: Exception) -> str:
    for sign, remedy in _REMEDIES:
        if sign.search(pattern):
            return remedy
    detail = error.args[0] if error.args else error
    text = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
    return f"no regular expression that RE2 reads: {text}"
