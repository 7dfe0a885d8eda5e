"""Stored responses in the process's own memory: bounded, and gone when it ends."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.storage.items import Item, ItemPage, Page
from gateway.storage.memory_items import paged, weight
from gateway.storage.responses import UNFINISHED, BrokenChain, StoredResponse


@dataclass(slots=True)
class _Kept:
    """One response with all that hangs on it; `size` in characters."""

    response: StoredResponse
    chain: str
    inputs: tuple[Item, ...]
    outputs: tuple[Item, ...] = ()
    events: tuple[Mapping[str, Any], ...] = ()
    size: int = 0


@dataclass(slots=True)
class _Chain:
    """Responses that hang together, and when one was last added or changed."""

    used_at: float
    ids: set[str] = field(default_factory=set[str])


class MemoryResponseStore:
    """A `ResponseStore` within bounds that hold over all tenants together.

    Kept are at most `max_responses`, of at most `max_characters` as text, each chain for
    `max_idle_s` seconds after its last use; the chain that was not used for longest goes first, as a
    whole. `forget_run` is told the run of each response that an app deletes.
    """

    def __init__(
        self,
        *,
        max_responses: int = 1000,
        max_idle_s: float = 24 * 3600.0,
        max_characters: int = 64 * 1024 * 1024,
        now: Callable[[], float] = time.time,
        forget_run: Callable[[str, str], object] | None = None,
    ) -> None:
        self._max_responses = max_responses
        self._max_idle_s = max_idle_s
        self._max_characters = max_characters
        self._now = now
        self._forget_run = forget_run
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._chains: OrderedDict[tuple[str, str], _Chain] = OrderedDict()
        self._characters = 0

    async def create(self, response: StoredResponse, inputs: Sequence[Item]) -> None:
        before = self._kept.get((response.tenant, response.previous_id or ""))
        kept = _Kept(response, before.chain if before else response.id, tuple(inputs))
        self._kept[response.tenant, response.id] = kept
        self._use(kept)
        self._weigh(kept)

    async def update(
        self,
        response: StoredResponse,
        outputs: Sequence[Item],
        events: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        kept = self._kept.get((response.tenant, response.id))
        if kept is None:
            return
        kept.response, kept.outputs, kept.events = response, tuple(outputs), tuple(events)
        self._use(kept)
        self._weigh(kept)

    async def get(self, tenant: str, response_id: str) -> StoredResponse | None:
        kept = self._find(tenant, response_id)
        return kept.response if kept else None

    async def delete(self, tenant: str, response_id: str) -> bool:
        kept = self._find(tenant, response_id)
        if kept is None:
            return False
        self._drop(kept)
        if self._forget_run is not None:
            self._forget_run(tenant, kept.response.run_id)
        return True

    async def delete_of_conversation(self, tenant: str, conversation_id: str) -> None:
        """Delete what was answered in a conversation: for the conversations' twin."""
        for kept in list(self._kept.values()):
            response = kept.response
            if (response.tenant, response.conversation_id) == (tenant, conversation_id):
                await self.delete(tenant, response.id)

    async def input_items(self, tenant: str, response_id: str, page: Page) -> ItemPage:
        kept = self._find(tenant, response_id)
        return paged(kept.inputs if kept else (), page)

    async def events(
        self, tenant: str, response_id: str, after: int
    ) -> tuple[Mapping[str, Any], ...]:
        kept = self._find(tenant, response_id)
        events = kept.events if kept else ()
        return tuple(event for event in events if event["sequence_number"] > after)

    async def history(self, tenant: str, response_id: str) -> AsyncGenerator[Item]:
        wanted: str | None = response_id
        while wanted is not None:
            kept = self._find(tenant, wanted)
            if kept is None:
                raise BrokenChain(wanted)
            for items in (kept.outputs, kept.inputs):
                for item in reversed(items):
                    yield item
            wanted = kept.response.previous_id

    async def unfinished(self, *, own: bool = True) -> tuple[StoredResponse, ...]:
        responses = (kept.response for kept in self._kept.values() if own)
        return tuple(each for each in responses if each.document.get("status") in UNFINISHED)

    async def aclose(self) -> None:
        self._kept.clear()
        self._chains.clear()
        self._characters = 0

    def _find(self, tenant: str, response_id: str) -> _Kept | None:
        self._forget_the_idle()
        return self._kept.get((tenant, response_id))

    def _use(self, kept: _Kept) -> None:
        key = kept.response.tenant, kept.chain
        chain = self._chains.setdefault(key, _Chain(0.0))
        chain.used_at = self._now()
        chain.ids.add(kept.response.id)
        self._chains.move_to_end(key)

    def _weigh(self, kept: _Kept) -> None:
        """Count anew what it takes, and make room."""
        self._characters -= kept.size
        parts = (kept.response.document, *kept.inputs, *kept.outputs, *kept.events)
        kept.size = weight(parts)
        self._characters += kept.size
        self._forget_the_idle()
        while len(self._kept) > self._max_responses or self._characters > self._max_characters:
            self._drop_oldest_chain()

    def _forget_the_idle(self) -> None:
        limit = self._now() - self._max_idle_s
        while self._chains and next(iter(self._chains.values())).used_at < limit:
            self._drop_oldest_chain()

    def _drop_oldest_chain(self) -> None:
        (tenant, _), chain = next(iter(self._chains.items()))
        for response_id in list(chain.ids):
            self._drop(self._kept[tenant, response_id])

    def _drop(self, kept: _Kept) -> None:
        response = kept.response
        del self._kept[response.tenant, response.id]
        self._characters -= kept.size
        chain = self._chains[response.tenant, kept.chain]
        chain.ids.discard(response.id)
        if not chain.ids:
            del self._chains[response.tenant, kept.chain]
