"""Calls as tokenizers from V11 on spell them: `[TOOL_CALLS]name[CALL_ID]id[ARGS]{…}`, V13 without id.

What it is: where the name stands and where the arguments begin, in whole, cut and other text.
What it is not: a reader of the arguments (`routing.native` finds their end), or a keeper of the
model's ids: small models repeat them, so every call gets a fresh one.

Behind a marker `[ARGS]` may be missing: an engine that leaves control tokens out when it decodes
hands over `[TOOL_CALLS]name{…}`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = r"\s*+(?P<name>[\w.:/-]{1,256}+)\s*+"
_ID = r"(?:\[CALL_ID\]\s*+\w*+\s*+)?"
_NAMED = re.compile(_NAME + _ID + r"\[ARGS\]\s*+", re.ASCII)
_WITHOUT_ARGS = re.compile(_NAME + r"(?=\{)", re.ASCII)
_CUT = re.compile(_NAME + _ID + r"(?P<marker>\[[A-Z_]{0,7}+)?", re.ASCII)


class NamedCall(NamedTuple):
    """A call's name, and where its arguments begin."""

    name: str
    arguments: int


def named_call(text: str, start: int, *, marked: bool) -> NamedCall | None:
    """The call at `start`; `marked` when `[TOOL_CALLS]` stands before it. None: no call, or not yet."""
    found = _NAMED.match(text, start) or (_WITHOUT_ARGS.match(text, start) if marked else None)
    return NamedCall(found["name"], found.end()) if found else None


def is_cut_before_arguments(text: str, start: int) -> bool:
    """Whether `text` from `start` on is the beginning of such a call, cut before its arguments."""
    found = _CUT.fullmatch(text, start)
    if found is None:
        return False
    marker = found["marker"] or ""
    return "[ARGS]".startswith(marker) or "[CALL_ID]".startswith(marker)
