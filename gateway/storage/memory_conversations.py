"""Conversations in the process's own memory: bounded, and gone when it ends."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.storage.conversations import Conversation
from gateway.storage.items import Item, ItemPage, Page
from gateway.storage.memory_items import paged, weight


@dataclass(slots=True)
class _Kept:
    """One conversation with its items, oldest first; `size` in characters."""

    conversation: Conversation
    items: list[Item]
    used_at: float
    size: int


class MemoryConversationStore:
    """A `ConversationStore` within bounds that hold over all tenants together.

    Kept are at most `max_conversations`, of at most `max_characters` as text, each for `max_idle_s`
    seconds after its last change; the one that was not changed for longest goes first.
    `forget_responses` is told each conversation that an app deletes.
    """

    def __init__(
        self,
        *,
        max_conversations: int = 1000,
        max_idle_s: float = 24 * 3600.0,
        max_characters: int = 64 * 1024 * 1024,
        now: Callable[[], float] = time.time,
        forget_responses: Callable[[str, str], Awaitable[None]] | None = None,
    ) -> None:
        self._max_conversations = max_conversations
        self._max_idle_s = max_idle_s
        self._max_characters = max_characters
        self._now = now
        self._forget_responses = forget_responses
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._characters = 0

    async def create(self, conversation: Conversation, items: Sequence[Item]) -> None:
        size = weight((dict(conversation.metadata), *items))
        key = conversation.tenant, conversation.id
        self._kept[key] = _Kept(conversation, list(items), self._now(), size)
        self._grow(size)

    async def get(self, tenant: str, conversation_id: str) -> Conversation | None:
        kept = self._find(tenant, conversation_id)
        return kept.conversation if kept else None

    async def describe(
        self, tenant: str, conversation_id: str, metadata: Mapping[str, str]
    ) -> Conversation | None:
        kept = self._find(tenant, conversation_id)
        if kept is None:
            return None
        grown = weight((dict(metadata),)) - weight((dict(kept.conversation.metadata),))
        kept.conversation = replace(kept.conversation, metadata=dict(metadata))
        self._use(kept, grown)
        return kept.conversation

    async def delete(self, tenant: str, conversation_id: str) -> bool:
        kept = self._find(tenant, conversation_id)
        if kept is None:
            return False
        del self._kept[tenant, conversation_id]
        self._characters -= kept.size
        if self._forget_responses is not None:
            await self._forget_responses(tenant, conversation_id)
        return True

    async def append(self, tenant: str, conversation_id: str, items: Sequence[Item]) -> bool:
        kept = self._find(tenant, conversation_id)
        if kept is None:
            return False
        kept.items.extend(items)
        self._use(kept, weight(items))
        return True

    async def items(self, tenant: str, conversation_id: str, page: Page) -> ItemPage:
        kept = self._find(tenant, conversation_id)
        return paged(kept.items if kept else (), page)

    async def item(self, tenant: str, conversation_id: str, item_id: str) -> Item | None:
        kept = self._find(tenant, conversation_id)
        items = kept.items if kept else []
        return next((item for item in reversed(items) if item["id"] == item_id), None)

    async def remove(self, tenant: str, conversation_id: str, item_id: str) -> bool:
        kept = self._find(tenant, conversation_id)
        gone = [item for item in kept.items if item["id"] == item_id] if kept else []
        if kept is None or not gone:
            return False
        kept.items[:] = [item for item in kept.items if item["id"] != item_id]
        self._use(kept, -weight(gone))
        return True

    async def history(self, tenant: str, conversation_id: str) -> AsyncGenerator[Item]:
        kept = self._find(tenant, conversation_id)
        for item in list(reversed(kept.items)) if kept else []:
            yield item

    async def aclose(self) -> None:
        self._kept.clear()
        self._characters = 0

    def _find(self, tenant: str, conversation_id: str) -> _Kept | None:
        self._forget_the_idle()
        return self._kept.get((tenant, conversation_id))

    def _use(self, kept: _Kept, grown: int) -> None:
        kept.used_at = self._now()
        kept.size += grown
        self._kept.move_to_end((kept.conversation.tenant, kept.conversation.id))
        self._grow(grown)

    def _grow(self, grown: int) -> None:
        """Count what was added, and make room."""
        self._characters += grown
        self._forget_the_idle()
        while len(self._kept) > self._max_conversations or self._characters > self._max_characters:
            self._drop_oldest()

    def _forget_the_idle(self) -> None:
        limit = self._now() - self._max_idle_s
        while self._kept and next(iter(self._kept.values())).used_at < limit:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, kept = self._kept.popitem(last=False)
        self._characters -= kept.size
