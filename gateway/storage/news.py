"""That something changed in the store: the seam by which gateways over one database hear of each other.

News say what kind of thing changed and never what it is now: whoever cares looks. Some are lost, as
while a connection is: so each who follows is told now and then to look in any case (`ANYTHING`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol

TOOLS = "tools"
KEYS = "keys"
ANYTHING = ""
"""Something may have changed that nobody told of."""


class News(Protocol):
    """Twins: memory, which has no others to hear of, and SQL."""

    def topics(self) -> AsyncGenerator[str]:
        """What changed, as it is told, `ANYTHING` first; endless. Raises `StorageUnavailable`."""
        ...

    async def aclose(self) -> None: ...


class NoNews:
    """For stores that no other process sees."""

    async def topics(self) -> AsyncGenerator[str]:
        yield ANYTHING
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        """Nothing is open."""
