"""Registered tools in the process's own memory, gone when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.storage.tools import ToolRow


@dataclass(slots=True)
class _Change:
    """What is put is kept when the change is over."""

    revision: int
    missed: Sequence[ToolRow]
    put: list[ToolRow] = field(default_factory=list[ToolRow])

    async def keep(self, name: str, document: dict[str, Any], *, since: int | None) -> ToolRow:
        row = ToolRow(name, self.revision, self.revision if since is None else since, document)
        self.put.append(row)
        return row


class MemoryToolStore:
    """A `ToolStore` for tests, and for a gateway that keeps nothing."""

    def __init__(self) -> None:
        self._rows: dict[str, ToolRow] = {}
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def changing(self, seen: int) -> AsyncGenerator[_Change]:
        async with self._turn:
            newest = max((row.revision for row in self._rows.values()), default=0)
            change = _Change(newest + 1, await self.after(seen))
            yield change
            self._rows.update({row.name: row for row in change.put})

    async def after(self, seen: int) -> Sequence[ToolRow]:
        newer = [row for row in self._rows.values() if row.revision > seen]
        return sorted(newer, key=lambda row: row.since)

    async def aclose(self) -> None:
        self._rows.clear()
