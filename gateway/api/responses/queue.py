"""Responses in the background that outlive their process: put, taken when there is a place, gone on with.

The queue is in the store, and shared: whichever process has a place takes what waits, tenants in turn, and what
one that has stopped or died had begun. What this process had to leave, since the store did not answer, it takes
again.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from typing import Protocol

from gateway.agent.run import dried
from gateway.api.errors import ApiError
from gateway.api.responses import document
from gateway.api.responses.creation import SHUTDOWN, Creation
from gateway.api.responses.durable import dumped, loaded
from gateway.api.responses.ids import response_id
from gateway.services import Services
from gateway.storage.durable import MOST_LOSSES, Claimed, DurableRuns, LeaseLost
from gateway.storage.errors import StorageUnavailable
from gateway.storage.responses import StoredResponse
from gateway.storage.schedules import Firing
from tools.dry_run import DryRun

log = logging.getLogger("gateway.api.responses")

_LOOK_EVERY_S = 1.0
_CANCELLED = "stopped: cancelled"


class Runners(Protocol):
    """What runs here: `LiveResponses`."""

    def begin(self, creation: Creation, held: ExitStack, *, again: bool = False) -> None: ...
    def writing(self, tenant: str, conversation_id: str | None) -> AbstractContextManager[None]: ...
    def going(self) -> list[str]: ...


class Queue:
    """This process at the queue."""

    def __init__(self, services: Services, durable: DurableRuns, runners: Runners) -> None:
        self._services = services
        self._durable = durable
        self._runners = runners
        self._bounds = services.queue
        self._being_put: set[str] = set()
        self._wake = asyncio.Event()

    async def put(
        self,
        creation: Creation,
        stored: StoredResponse,
        held: ExitStack,
        firing: Firing | None = None,
    ) -> None:
        """Store a response; it runs at once if there is a place. Raises `QueueFull`, `FireTaken`."""
        run_id = creation.run.run_id
        self._being_put.add(run_id)
        try:
            is_held = await self._durable.put(
                dumped(creation),
                stored,
                creation.inputs,
                self._bounds,
                at_once=self._places() >= 0,
                firing=firing,
            )
            if is_held:
                self._runners.begin(creation, held)
        finally:
            self._being_put.discard(run_id)
        if not is_held:
            self.look_soon()

    async def cancel(self, stored: StoredResponse) -> None:
        """End what nobody does; who does it hears of it within a second, or before it goes on."""
        await self._durable.cancel(_ended(stored, "cancelled"), _CANCELLED)

    def look_soon(self) -> None:
        """There may be a place, or somebody for it."""
        self._wake.set()

    async def serve(self) -> None:
        """Take what waits whenever there is a place. Does not end."""
        while True:
            self._wake.clear()
            try:
                if self._runners.going():
                    for tenant, run_id in await self._durable.cancelled():
                        self._services.live.cancel(tenant, run_id)
                if (places := self._places()) > 0:
                    for each in await self._durable.claim(self._here(), places, self._bounds):
                        await self._take(each)
            except StorageUnavailable as error:
                log.warning("responses in the background wait for their store: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._wake.wait()

    def _places(self) -> int:
        """How many more may begin; what is being put counts."""
        return self._bounds.in_process - len(self._here())

    def _here(self) -> list[str]:
        """The runs that this process does, or is about to."""
        return [*self._runners.going(), *self._being_put]

    async def _take(self, claimed: Claimed) -> None:
        """Go on with a run that is this process's now."""
        found = await self._services.responses.get(claimed.tenant, response_id(claimed.run_id))
        if found is None:
            return  # deleted meanwhile
        creation = _loaded(claimed, self._services.limits.dry)
        if claimed.is_cancelled or creation is None or claimed.losses > MOST_LOSSES:
            status, why = "cancelled", _CANCELLED
            if not claimed.is_cancelled:
                status, why = "failed", f"{claimed.losses} gateways stopped over this run"
            with suppress(LeaseLost):
                await self._durable.drop(_ended(found, status), why)
            return
        with ExitStack() as held:
            try:
                held.enter_context(self._runners.writing(found.tenant, found.conversation_id))
            except ApiError:
                return  # its conversation is being written: the next look
            if claimed.run_id in self._here():
                return  # it was put here while the store was asked: nobody had left it
            if claimed.losses:
                log.warning("the response %s was left by its gateway and goes on", found.id)
            self._runners.begin(creation, held, again=True)


def _ended(stored: StoredResponse, status: str) -> StoredResponse:
    error = {"error": document.error(SHUTDOWN)} if status == "failed" else {}
    return replace(stored, document={**stored.document, "status": status, **error})


def _loaded(claimed: Claimed, dry: DryRun) -> Creation | None:
    try:
        creation = loaded(claimed.state)
    except (ValueError, KeyError, ApiError):
        log.exception("run %s was begun by another version and can't go on", claimed.run_id)
        return None
    return replace(creation, run=dried(creation.run, dry))
