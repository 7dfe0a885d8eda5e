"""Going on with runs that people have decided about, behind the requests.

One for an application, entered by its lifespan: `async with Resuming(services) as resuming`. When it is
entered, runs are taken up that were decided and not resumed, or that a dead process was resuming and had
not got beyond the approved calls: those are in the ledger, and are not made again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, aclosing
from types import TracebackType
from typing import Any, Self, cast

from pydantic import ValidationError

from gateway.agent import trace
from gateway.agent.events import RunEvent, RunFinished
from gateway.agent.run import Decided, Resumed, Suspended, dried
from gateway.agent.suspension import dumped, loaded
from gateway.live import Stop, Stopped
from gateway.services import Services
from gateway.storage.errors import StorageError, StorageUnavailable
from gateway.storage.suspensions import Suspension

log = logging.getLogger("gateway.approvals")

_GRACE_S = 0.03
"""To keep a run that is interrupted when its deadline is over."""


async def suspending(
    services: Services, events: AsyncGenerator[RunEvent], *, again: bool = False
) -> AsyncGenerator[RunEvent]:
    """The events of a run; that it waits for a person is kept before anybody hears of it.

    A run that went on (`again`) and was deleted meanwhile does not come back. Raises `StorageUnavailable`
    where it can't be kept before the run's deadline.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    async with aclosing(events):
        async for event in events:
            if isinstance(event, RunFinished) and (kept := event.outcome.suspended) is not None:
                asked = kept.request
                until = max(began + asked.limits.deadline_s, clock() + _GRACE_S)
                try:
                    async with asyncio.timeout_at(until):
                        if not again or await services.suspensions.get(asked.tenant, asked.run_id):
                            await services.suspensions.put(_suspension(kept))
                except TimeoutError as error:
                    raise StorageUnavailable("a run that waits could not be kept") from error
            yield event


def _suspension(kept: Suspended) -> Suspension:
    return Suspension(
        tenant=kept.request.tenant,
        run_id=kept.request.run_id,
        step=kept.step,
        created_at=time.time(),
        expires_at=min(held.expires_at for held in kept.held),
        approvals=tuple(trace.approval(held) for held in kept.held),
        state={"suspended": dumped(kept)},
    )


class Resuming:
    """The runs that go on in this process. Their tasks end with it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._group)
        self._start(self._take_up())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._stack.__aexit__(kind, error, traceback)

    async def resume(self, tenant: str, run_id: str) -> None:
        """Go on with a decided run, if nobody else does. The run goes on after this has returned."""
        claimed = await self._services.suspensions.claim(tenant, run_id)
        if claimed is not None:
            self._start(self._run(claimed))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self._group.create_task(work, name="resumed run")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_up(self) -> None:
        try:
            for tenant, run_id in await self._services.suspensions.stranded():
                kept = await self._services.suspensions.get(tenant, run_id)
                if kept is not None and not await self._went_beyond(kept):
                    await self.resume(tenant, run_id)
        except StorageError as error:
            log.warning("runs that people decided about wait for the next start: %s", error)

    async def _went_beyond(self, kept: Suspension) -> bool:
        """Whether the run did something after the approved calls, so that it can't go on from there."""
        entries = await self._services.writes.ledger.of_run(kept.tenant, kept.run_id)
        steps = (int(entry.intent.place.id.partition(".")[0]) for entry in entries)
        return any(step > kept.step for step in steps)

    async def _run(self, claimed: Suspension) -> None:
        tenant, run_id = claimed.tenant, claimed.run_id
        try:
            suspended = loaded(claimed.state["suspended"])
        except (ValidationError, KeyError):
            log.exception("run %s was suspended by another version and can't go on", run_id)
            return
        decisions = {each["call_id"]: _decided(each) for each in claimed.now_waiting()}
        request = dried(suspended.request, self._services.limits.dry)
        resumed = Resumed(suspended, decisions)
        try:
            written = await self._services.store.reopen(request)
        except StorageError:
            log.exception("run %s can't go on now; the next start takes it up", run_id)
            return
        try:
            with Stop() as stop:
                self._services.live.add(tenant, run_id, stop)
                run = self._services.loop.run(request, resumed)
                events = suspending(self._services, run, again=True)
                async with aclosing(events):
                    async for event in events:
                        written.append(event)
        except Stopped as stopped:
            written.finish("cancelled", f"stopped: {stopped.cause}")
        except asyncio.CancelledError:
            written.finish("cancelled", "stopped: shutdown")
            raise
        except Exception as error:  # its one reader is the run: nobody waits for this task
            log.exception("run %s failed after a person had decided", run_id)
            written.finish("failed", f"{type(error).__name__}: {error}")
        finally:
            self._services.live.remove(tenant, run_id)
        # A shutdown does not cut this: the next start would run it once more.
        self._tasks.discard(cast("asyncio.Task[None]", asyncio.current_task()))
        try:
            await self._services.suspensions.end(tenant, run_id)
        except StorageError as error:
            log.warning("that run %s went on could not be written: %s", run_id, error)


def _decided(approval: dict[str, Any]) -> Decided:
    reason = approval.get("decision_reason") or ""
    return Decided(approval["decision"], approval.get("edited_arguments"), reason)
