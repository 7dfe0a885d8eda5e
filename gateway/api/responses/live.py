"""What goes on in this process: responses in the background, and who writes to which conversation.

One for an application, entered by its lifespan: `async with LiveResponses(services) as live`. Background
responses run in its task group. Where runs are durable (`services.durable`) they wait in a queue that all
processes over one store share, and outlive the process (`gateway.api.responses.queue`). Where they are not,
they are stopped and recorded as failed when it is left.

Several workers share no memory: a response in the background is watched live where it runs, read and
cancelled everywhere, and a conversation has one writer a process (appending is safe among several).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import ExitStack, aclosing, contextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from gateway.api.driving import GOES_ON
from gateway.api.errors import ApiError
from gateway.api.responses import document
from gateway.api.responses.background import Background
from gateway.api.responses.creation import SHUTDOWN, Creation, nobody_leaves, respond
from gateway.api.responses.output import Event
from gateway.api.responses.queue import Queue
from gateway.live import Stopped
from gateway.services import Services
from gateway.storage.durable import QueueFull
from gateway.storage.errors import StorageUnavailable
from gateway.storage.responses import UNFINISHED, StoredResponse
from gateway.storage.schedules import Firing

log = logging.getLogger("gateway.api.responses")

_LOOK_EVERY_S = 10.0
_BEGIN_S = 0.01
_FOLLOW_EVERY_S = 0.5
"""How often a response that waits, or runs in another worker, is looked at for a reader of its stream."""


class LiveResponses:
    """Background responses by tenant and id, and the conversations that are being written."""

    def __init__(
        self, services: Services, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._services = services
        self._pause = pause
        self._watches: list[asyncio.Task[None]] = []
        self._group = asyncio.TaskGroup()
        self._running: dict[tuple[str, str], Background] = {}
        self._written: set[tuple[str, str]] = set()
        self._queue = None if services.durable is None else Queue(services, services.durable, self)

    async def __aenter__(self) -> Self:
        await self._look(own=True)  # who has died, too
        await self._group.__aenter__()
        self._watches.append(self._group.create_task(self._fail_those_of_the_dead()))
        if self._queue is not None:
            self._watches.append(self._group.create_task(self._queue.serve()))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for watch in self._watches:
            watch.cancel()
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

    async def start(
        self, creation: Creation, held: ExitStack, firing: Firing | None = None
    ) -> None:
        """Store the response and run it in the background; takes `held`, to close it at the end.

        One that has to wait takes nothing. Where it is a schedule's `firing`, that is claimed with it.
        Raises `ApiError` 429 for one too many, `FireTaken`.
        """
        stored = StoredResponse(
            tenant=creation.tenant,
            id=creation.id,
            run_id=creation.run.run_id,
            created_at=creation.created_at,
            document=creation.head(),
            previous_id=creation.request.previous_response_id,
            conversation_id=creation.request.conversation_id,
        )
        if self._queue is not None:
            creation = replace(creation, run=replace(creation.run, durable=True))
            try:
                await self._queue.put(creation, stored, held, firing)
            except QueueFull as full:
                raise _too_many(str(full)) from full
            return
        if len(self._running) >= self._services.queue.waiting:
            raise _too_many(f"{len(self._running)} responses are running in the background")
        if firing is not None:
            await self._services.schedules.claim(firing)
        await self._services.responses.create(stored, creation.inputs)
        self.begin(creation, held)

    def begin(self, creation: Creation, held: ExitStack, *, again: bool = False) -> None:
        """Run a stored response; `again` when another process may have begun it."""
        background = Background(creation)
        self._running[creation.tenant, creation.id] = background
        work = self._run(background, held.pop_all(), again=again)
        background.task = self._group.create_task(work)

    def going(self) -> list[str]:
        """The runs of what is running here."""
        return [each.creation.run.run_id for each in self._running.values()]

    def find(self, tenant: str, response_id: str) -> Background | None:
        """A response that is running here."""
        return self._running.get((tenant, response_id))

    async def follow(
        self, tenant: str, response_id: str, after: int = -1
    ) -> AsyncGenerator[Sequence[Event]]:
        """Its events behind `after`: live where it runs, once it is over where it doesn't."""
        while True:
            if (background := self.find(tenant, response_id)) is not None:
                async with aclosing(background.follow(after)) as batches:
                    async for batch in batches:
                        yield batch
                return
            found = await self._services.responses.get(tenant, response_id)
            if found is None:
                return
            if found.document["status"] not in UNFINISHED:
                kept = await self._services.responses.events(tenant, response_id, after)
                yield [dict(each) for each in kept]
                return
            await asyncio.sleep(_FOLLOW_EVERY_S)

    async def stop(self, stored: StoredResponse) -> None:
        """Cancel it, wherever it waits or runs; return when that is recorded, if it is here."""
        if self._queue is not None and stored.document["status"] in UNFINISHED:
            await self._queue.cancel(stored)
        background = self.find(stored.tenant, stored.id)
        while background is not None and not background.is_over:
            if self._services.live.cancel(stored.tenant, stored.run_id):
                await background.over()
                return
            await asyncio.sleep(_BEGIN_S)  # it is about to begin, or has just ended

    async def _run(self, background: Background, held: ExitStack, *, again: bool) -> None:
        creation, made = background.creation, None
        try:
            with held, suppress(Stopped):  # recorded by `respond`
                heard = background.hear
                made = await respond(
                    creation, self._services, nobody_leaves, heard, begun=True, again=again
                )
        except GOES_ON as error:
            log.warning("the response %s goes on elsewhere, or later: %s", creation.id, error)
        except Exception:
            # one response must not end the others, nor the server that owns the group
            log.exception("the response %s could not be recorded", creation.id)
        finally:
            self._running.pop((creation.tenant, creation.id), None)
            background.end(made)
            if self._queue is not None:
                self._queue.look_soon()

    async def _fail_those_of_the_dead(self) -> None:
        """What a gateway beside this one left when it died; its lease, or its process, tells."""
        while True:
            await self._pause(_LOOK_EVERY_S)
            await self._look(own=False)

    async def _look(self, *, own: bool) -> None:
        try:
            await self._fail(await self._services.responses.unfinished(own=own))
        except StorageUnavailable as error:
            log.warning("what dead gateways left can't be looked for now: %s", error)

    async def _fail(self, unfinished: Sequence[StoredResponse]) -> None:
        for left in unfinished:
            failed = {**left.document, "status": "failed", "error": document.error(SHUTDOWN)}
            await self._services.responses.update(
                replace(left, document=failed), left.document["output"]
            )
            log.warning("the response %s was unfinished when its gateway stopped", left.id)


def _too_many(problem: str) -> ApiError:
    return ApiError(
        429, f"{problem}; retry later", code="too_many_background", kind="rate_limit_error"
    )
