"""Times as people write them on a command line: `30m`, `24h`, `7d`, `2026-11-01`, `2026-11-01T09:30`."""

from __future__ import annotations

import re
import time
from datetime import datetime

from gateway.cli.exits import CommandError, Exit

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def span(text: str) -> float:
    """How long that is, in seconds."""
    found = _SPAN.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise CommandError(f"{text} is no length of time", "such as 30m, 24h, 7d", code=Exit.USAGE)
    return float(found[1]) * _UNITS[found[2]]


def moment(text: str, now: float | None = None) -> float:
    """When that is, in seconds since the epoch: so long ago, or a date and time of this machine's zone."""
    if _SPAN.fullmatch(text.strip()):
        return (time.time() if now is None else now) - span(text)
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise CommandError(
            f"{text} is no time",
            "such as 24h (ago), 2026-11-01 or 2026-11-01T09:30",
            code=Exit.USAGE,
        ) from None
