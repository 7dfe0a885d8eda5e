"""Stored responses: the seam. A response keeps its own input and output; the rest is its chain.

A response names the one before it (`previous_id`); all that hang together have the `chain_id` of the
first. Retention is by chain: a conversation in use never loses its beginning to old age. No method
shows one tenant what is another's. Cost: appending is constant, a page costs its length, and `history`
reads as far back as its reader goes, whatever the length of the chain.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.storage.items import Item, ItemPage, Page

UNFINISHED = frozenset({"queued", "in_progress"})
"""What the `status` of a document says while the response is being made."""


class BrokenChain(LookupError):
    """A response before this one was deleted. `args[0]` is its id."""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """One response. `document` is the whole response object as it is answered; times in seconds.

    `run_id` is the run that makes it. At most one of `previous_id` and `conversation_id` is set.
    """

    tenant: str
    id: str
    run_id: str
    created_at: float
    document: Mapping[str, Any]
    previous_id: str | None = None
    conversation_id: str | None = None


class ResponseStore(Protocol):
    """Keeps responses, by tenant. Twins: memory, and SQL."""

    async def create(self, response: StoredResponse, inputs: Sequence[Item]) -> None:
        """Keep a new response and its own input items, at once or not at all."""
        ...

    async def update(
        self,
        response: StoredResponse,
        outputs: Sequence[Item],
        events: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Replace the document; set its output items and, for later readers, its stream events.

        Changes nothing when it was deleted meanwhile.
        """
        ...

    async def get(self, tenant: str, response_id: str) -> StoredResponse | None:
        """One response of this tenant; None when there is none."""
        ...

    async def delete(self, tenant: str, response_id: str) -> bool:
        """Delete it with its items, its events and its run; False when there is none."""
        ...

    async def input_items(self, tenant: str, response_id: str, page: Page) -> ItemPage:
        """Its own input items. Raises `UnknownCursor`."""
        ...

    async def events(
        self, tenant: str, response_id: str, after: int
    ) -> tuple[Mapping[str, Any], ...]:
        """Its stream events with a `sequence_number` above `after`, in order."""
        ...

    def history(self, tenant: str, response_id: str) -> AsyncGenerator[Item]:
        """The chain's items, newest first: output, then input, then those of the one before it.

        Raises `BrokenChain`.
        """
        ...

    async def unfinished(self, *, own: bool = True) -> tuple[StoredResponse, ...]:
        """Every tenant's responses whose document says `queued` or `in_progress`.

        Left out are those that another living process makes or that can be taken over
        (`gateway.storage.durable`), and without `own` this one's.
        """
        ...

    async def aclose(self) -> None: ...
