"""Tools that authors registered, at rest: the seam. A row a tool, a revision a change.

What it is: rows whose documents nobody here reads (`gateway.authoring` does), one change at a time over
all gateways. Revisions grow from change to change; a tool that was taken away stays as a row that says so,
so that whoever asks what is new hears of it.
What it is not: definitions with secrets. A document holds the names of environment variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ToolRow:
    """One tool. `since` is the revision at which it was registered: tools stand in that order."""

    name: str
    revision: int
    since: int
    document: dict[str, Any]


class ToolChange(Protocol):
    """The right to change one tool, while nobody else changes any. `missed` came since one looked."""

    @property
    def missed(self) -> Sequence[ToolRow]: ...

    async def keep(self, name: str, document: dict[str, Any], *, since: int | None) -> ToolRow:
        """Put a row in the place of the tool's earlier one; `since` None: it is registered now."""
        ...


class ToolStore(Protocol):
    """Keeps tools. Twins: memory, and SQL. Raises `StorageUnavailable`."""

    def changing(self, seen: int) -> AbstractAsyncContextManager[ToolChange]:
        """Change something, all or nothing; `seen` is the newest revision that one knows."""
        ...

    async def after(self, seen: int) -> Sequence[ToolRow]:
        """What changed after this revision, in the order in which the tools were registered."""
        ...

    async def aclose(self) -> None: ...
