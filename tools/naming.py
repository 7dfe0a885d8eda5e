"""Foreign names as names of tools."""

from __future__ import annotations

import hashlib
import re

_MAX_NAME = 64


def tool_name(wanted: str) -> str:
    """Any text as a tool's name: letters, digits, `_` and `-`, 64 at most."""
    plain = re.sub(r"[^a-zA-Z0-9_-]+", "_", wanted).strip("_") or "operation"
    if len(plain) <= _MAX_NAME:
        return plain
    return distinct_name(plain, wanted)


def distinct_name(name: str, source: str) -> str:
    """A name that differs for each `source`, by a short hash at its end."""
    return f"{name[: _MAX_NAME - 7]}_{hashlib.sha256(source.encode()).hexdigest()[:6]}"
