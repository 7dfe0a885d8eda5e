"""Stored conversations: the seam. Named, growing lists of items that responses read and extend.

No method shows one tenant what is another's. Cost: appending is constant a piece, a page costs its
length, `history` reads as far back as its reader goes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.storage.items import Item, ItemPage, Page


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation without its items. `created_at` in seconds since the epoch."""

    tenant: str
    id: str
    created_at: float
    metadata: Mapping[str, str]


class ConversationStore(Protocol):
    """Keeps conversations, by tenant. Twins: memory, and SQL."""

    async def create(self, conversation: Conversation, items: Sequence[Item]) -> None:
        """Keep a new conversation with its first items, at once or not at all."""
        ...

    async def get(self, tenant: str, conversation_id: str) -> Conversation | None:
        """One conversation of this tenant; None when there is none."""
        ...

    async def describe(
        self, tenant: str, conversation_id: str, metadata: Mapping[str, str]
    ) -> Conversation | None:
        """Replace the metadata; None when there is none."""
        ...

    async def delete(self, tenant: str, conversation_id: str) -> bool:
        """Delete it with its items and the responses given in it; False when there is none."""
        ...

    async def append(self, tenant: str, conversation_id: str, items: Sequence[Item]) -> bool:
        """Add items behind the last one, all or none; False when there is no such conversation.

        Safe under concurrent appends: each keeps its items together.
        """
        ...

    async def items(self, tenant: str, conversation_id: str, page: Page) -> ItemPage:
        """A page of its items. Raises `UnknownCursor`."""
        ...

    async def item(self, tenant: str, conversation_id: str, item_id: str) -> Item | None:
        """One item, the newest of this id; None when there is none."""
        ...

    async def remove(self, tenant: str, conversation_id: str, item_id: str) -> bool:
        """Delete what has this id; False when there is none."""
        ...

    def history(self, tenant: str, conversation_id: str) -> AsyncGenerator[Item]:
        """Its items, newest first."""
        ...

    async def aclose(self) -> None: ...
