"""Storing one response while it is made, and adding it to its conversation when it is done.

A response that nobody has heard of yet is not stored: one that is answered whole is written at its end,
a streamed one when its stream opens, one in the background before its id is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.api.responses.output import Event, Output
from gateway.services import Services
from gateway.storage.durable import Ended
from gateway.storage.responses import StoredResponse
from gateway.storage.runs import RunLog

if TYPE_CHECKING:
    from gateway.api.responses.creation import Creation

_JOINS = ("completed", "incomplete")
"""What becomes part of a conversation: answers, whole or not, but nothing that broke."""


class Keeping:
    """What is written of one response, and when. `begun` when it is stored already."""

    def __init__(self, creation: Creation, services: Services, *, begun: bool = False) -> None:
        self._creation = creation
        self._services = services
        self._begun = begun
        self._events: list[Event] = []

    def note(self, events: Sequence[Event]) -> None:
        """Remember what is streamed; only of a response in the background is it kept."""
        if self._creation.request.background:
            self._events += events

    async def begin(self, output: Output) -> None:
        """Store the response with its input, as it is now."""
        creation = self._creation
        if self._begun or not creation.request.stores:
            return
        inputs = creation.inputs
        if creation.request.previous_response_id is not None and not creation.previous_is_stored:
            inputs = (*creation.window.items, *inputs)  # what it continues is nowhere else
        await self._services.responses.create(self._stored(output.document), inputs)
        self._begun = True

    async def finish(self, output: Output, log: RunLog | None) -> None:
        """Store the response as it ended; of a durable run all at once, with its `log`."""
        creation, services = self._creation, self._services
        made = output.document
        if creation.run.durable and services.durable is not None and log is not None:
            joins = made["status"] in _JOINS
            said = (*creation.inputs, *output.items) if joins else ()
            ended = Ended(self._stored(made), output.items, self._events, said)
            await services.durable.finish(log, ended)
            return
        if creation.request.stores:
            await self.begin(output)
            await services.responses.update(self._stored(made), output.items, self._events)
        conversation_id = creation.request.conversation_id
        if conversation_id is not None and made["status"] in _JOINS:
            items = (*creation.inputs, *output.items)
            await services.conversations.append(creation.tenant, conversation_id, items)

    def _stored(self, made: Mapping[str, Any]) -> StoredResponse:
        creation = self._creation
        previous = creation.request.previous_response_id
        return StoredResponse(
            tenant=creation.tenant,
            id=creation.id,
            run_id=creation.run.run_id,
            created_at=creation.created_at,
            document=made,
            previous_id=previous if creation.previous_is_stored else None,
            conversation_id=creation.request.conversation_id,
        )
