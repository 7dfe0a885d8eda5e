"""What goes on in this process: responses in the background, and who writes to which conversation.

One for an application, entered by its lifespan: `async with LiveResponses(services) as live`. Background
responses run in its task group; when it is left they are stopped and recorded as failed, and what an
earlier process left unfinished is recorded as failed when it is entered; what another that has died
meanwhile left, some seconds after.

Several workers share no memory: a response in the background is watched and cancelled where it runs,
read everywhere, and a conversation has one writer a process (appending is safe among several).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from gateway.api.errors import ApiError
from gateway.api.responses import document
from gateway.api.responses.creation import SHUTDOWN, Creation, nobody_leaves, respond
from gateway.api.responses.output import Event
from gateway.live import Stopped
from gateway.services import Services
from gateway.storage.errors import StorageUnavailable
from gateway.storage.responses import StoredResponse

log = logging.getLogger("gateway.api.responses")

_LOOK_EVERY_S = 10.0
_BEGIN_S = 0.01
_MOST = 1000
"""Responses in the background at a time: each holds its conversation and its events in memory."""


class Background:
    """One response that runs without a client: its document as it is now, its events so far."""

    def __init__(self, creation: Creation) -> None:
        self.creation = creation
        self.document: dict[str, Any] = creation.head()
        self.task: asyncio.Task[None] | None = None
        self.is_over = False
        self._events: list[Event] = []
        self._changed = asyncio.Event()

    async def hear(self, events: Sequence[Event]) -> None:
        """Take the next events; wakes who follows."""
        self._events += events
        for event in reversed(events):
            if "response" in event:
                self.document = event["response"]
                break
        self._wake()

    def end(self, made: dict[str, Any] | None) -> None:
        """It is over and stored; `made` is how it ended, where that is known."""
        self.document = made or self.document
        self.is_over = True
        self._wake()

    async def follow(self, after: int) -> AsyncGenerator[Sequence[Event]]:
        """Its events with a `sequence_number` above `after`, those to come too, until it is over."""
        seen = max(after + 1, 0)
        while True:
            changed = self._changed
            if seen < len(self._events):
                batch = self._events[seen:]
                seen += len(batch)
                yield batch
            elif self.is_over:
                return
            else:
                await changed.wait()

    async def over(self) -> None:
        """Return when it is over."""
        while not self.is_over:
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class LiveResponses:
    """Background responses by tenant and id, and the conversations that are being written."""

    def __init__(
        self, services: Services, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._services = services
        self._pause = pause
        self._watch: asyncio.Task[None] | None = None
        self._group = asyncio.TaskGroup()
        self._running: dict[tuple[str, str], Background] = {}
        self._written: set[tuple[str, str]] = set()

    async def __aenter__(self) -> Self:
        await self._fail(await self._services.responses.unfinished())
        await self._group.__aenter__()
        self._watch = self._group.create_task(self._fail_those_of_the_dead())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()
        for each in list(self._running.values()):
            if each.task is not None:
                each.task.cancel()
        await self._group.__aexit__(kind, error, traceback)

    @contextmanager
    def writing(self, tenant: str, conversation_id: str | None) -> Generator[None]:
        """The only one to write to a conversation. Raises `ApiError` 409 when there is another."""
        if conversation_id is None:
            yield
            return
        key = tenant, conversation_id
        if key in self._written:
            problem = "Another response is being made in this conversation. Please retry later."
            raise ApiError(409, problem, param="conversation", code="conversation_locked")
        self._written.add(key)
        try:
            yield
        finally:
            self._written.discard(key)

    async def start(self, creation: Creation, held: ExitStack) -> Background:
        """Store the response and run it in the background; takes `held`, to close it at the end."""
        if len(self._running) >= _MOST:
            problem = f"{_MOST} responses are running in the background; retry later"
            raise ApiError(429, problem, code="too_many_background", kind="rate_limit_error")
        background = Background(creation)
        stored = StoredResponse(
            tenant=creation.tenant,
            id=creation.id,
            run_id=creation.run.run_id,
            created_at=creation.created_at,
            document=background.document,
            previous_id=creation.request.previous_response_id,
            conversation_id=creation.request.conversation_id,
        )
        await self._services.responses.create(stored, creation.inputs)
        self._running[creation.tenant, creation.id] = background
        background.task = self._group.create_task(self._run(background, held.pop_all()))
        return background

    def find(self, tenant: str, response_id: str) -> Background | None:
        """A response that is running here."""
        return self._running.get((tenant, response_id))

    async def stop(self, background: Background) -> None:
        """Cancel it, and return when that is recorded."""
        creation = background.creation
        while not background.is_over:
            if self._services.live.cancel(creation.tenant, creation.run.run_id):
                await background.over()
                return
            await asyncio.sleep(_BEGIN_S)  # it is about to begin, or has just ended

    async def _run(self, background: Background, held: ExitStack) -> None:
        creation, made = background.creation, None
        try:
            with held:
                made = await respond(
                    creation, self._services, nobody_leaves, background.hear, begun=True
                )
        except Stopped:
            pass  # recorded by `respond`
        except Exception:
            # one response must not end the others, nor the server that owns the group
            log.exception("the response %s could not be recorded", creation.id)
        finally:
            self._running.pop((creation.tenant, creation.id), None)
            background.end(made)

    async def _fail_those_of_the_dead(self) -> None:
        """What a gateway beside this one left when it died; its lease, or its process, tells."""
        while True:
            await self._pause(_LOOK_EVERY_S)
            try:
                await self._fail(await self._services.responses.unfinished(own=False))
            except StorageUnavailable as error:
                log.warning("what dead gateways left can't be looked for now: %s", error)

    async def _fail(self, unfinished: Sequence[StoredResponse]) -> None:
        for left in unfinished:
            failed = {**left.document, "status": "failed", "error": document.error(SHUTDOWN)}
            await self._services.responses.update(
                replace(left, document=failed), left.document["output"]
            )
            log.warning("the response %s was unfinished when its gateway stopped", left.id)
