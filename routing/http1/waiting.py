"""How long to wait for an engine: each wait has a bound of its own, and all of them one deadline."""

from __future__ import annotations

import asyncio


def end_of_wait(longest_s: float, deadline: float | None = None) -> float:
    """The end of the wait that begins now, and `deadline` where that is sooner: by the event loop's clock."""
    end = asyncio.get_running_loop().time() + longest_s
    return end if deadline is None or end < deadline else deadline
