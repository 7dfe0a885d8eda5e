"""Going on with runs that people have decided about, behind the requests.

One for an application, entered by its lifespan: `async with Resuming(services) as resuming`. Whichever process has a
place takes a decided run, and what one that has stopped or died had begun. Where runs are durable
(`services.durable`), it goes on from the journal: approved calls and later ones are not made again. What this process
had to leave, since the store did not answer, it takes again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from gateway.agent import trace
from gateway.agent.events import RunEvent, RunFinished
from gateway.agent.run import Decided, Resumed, Suspended, dried
from gateway.agent.suspension import dumped, loaded
from gateway.live import Stop, Stopped
from gateway.services import Services
from gateway.storage.durable import MOST_LOSSES, LeaseLost
from gateway.storage.errors import StorageUnavailable
from gateway.storage.runs import RunLog
from gateway.storage.suspensions import Resumable, Suspension

log = logging.getLogger("gateway.approvals")

_GRACE_S = 0.03
"""To keep a run that is interrupted when its deadline is over."""
_LOOK_EVERY_S = 1.0


async def suspending(
    services: Services, events: AsyncGenerator[RunEvent]
) -> AsyncGenerator[RunEvent]:
    """The events of a run; that it waits for a person is kept before anybody hears of it.

    Raises `StorageUnavailable` where it can't be kept before the run's deadline.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async for event in events:
            if isinstance(event, RunFinished) and (kept := event.outcome.suspended) is not None:
                until = max(began + kept.request.limits.deadline_s, clock() + _GRACE_S)
                try:
                    async with asyncio.timeout_at(until):
                        await services.suspensions.put(_suspension(kept))
                except TimeoutError as error:
                    raise StorageUnavailable("a run that waits could not be kept") from error
            yield event
    finally:
        await events.aclose()


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
    """The runs that go on in this process. They end with it, and durable ones go on in another."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._group = asyncio.TaskGroup()
        self._serving: asyncio.Task[None] | None = None
        self._going: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._wake = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._serving = self._group.create_task(self._serve(), name="decided runs")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in (self._serving, *self._going.values()):
            if task is not None:
                task.cancel()
        await self._group.__aexit__(kind, error, traceback)

    def look_soon(self) -> None:
        """A run was decided about."""
        self._wake.set()

    async def _serve(self) -> None:
        """Take what was decided whenever there is a place. Does not end."""
        bounds, durable = self._services.queue, self._services.durable
        while True:
            self._wake.clear()
            try:
                if durable is not None and self._going:
                    for tenant, run_id in await durable.cancelled():
                        self._services.live.cancel(tenant, run_id)
                if (places := bounds.in_process - len(self._going)) > 0:
                    going = [run_id for _, run_id in self._going]
                    for each in await self._services.suspensions.claim(going, places, bounds):
                        self._begin(each)
            except StorageUnavailable as error:
                log.warning("runs that people decided about wait for their store: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._wake.wait()

    def _begin(self, claimed: Resumable) -> None:
        where = claimed.suspension.tenant, claimed.suspension.run_id
        task = self._group.create_task(self._run(claimed), name="resumed run")
        self._going[where] = task

        def over(_: asyncio.Task[None]) -> None:
            if self._going.get(where) is task:  # it may wait again, and have been decided by now
                del self._going[where]
            self._wake.set()

        task.add_done_callback(over)

    async def _run(self, claimed: Resumable) -> None:
        kept = claimed.suspension
        if claimed.losses:
            log.warning("run %s was left by its gateway and goes on", kept.run_id)
        try:
            if claimed.is_cancelled:
                await self._services.suspensions.drop(kept, "cancelled", "stopped: cancelled")
            elif claimed.losses > MOST_LOSSES:
                why = f"{claimed.losses} gateways stopped over this run"
                await self._services.suspensions.drop(kept, "failed", why)
            elif (suspended := _loaded(kept)) is None:
                why = "another version of the gateway suspended this run"
                await self._services.suspensions.drop(kept, "failed", why)
            else:
                await self._go_on(kept, suspended)
        except (LeaseLost, StorageUnavailable) as error:
            log.warning("run %s goes on elsewhere, or later: %s", kept.run_id, error)
        except Exception:
            # one run must not end the others, nor the server that owns the group
            log.exception("run %s went on, and its end could not be recorded", kept.run_id)

    async def _go_on(self, kept: Suspension, suspended: Suspended) -> None:
        """To its end, or to the next decision. What is raised by the store leaves it to another, or for later."""
        services, durable = self._services, self._services.durable is not None
        request = dried(replace(suspended.request, durable=durable), services.limits.dry)
        decisions = {each["call_id"]: _decided(each) for each in kept.now_waiting()}
        written, last = await services.store.reopen(request), None
        try:
            with Stop() as stop:
                services.live.add(kept.tenant, kept.run_id, stop)
                run = services.loop.run(request, Resumed(suspended, decisions))
                async with aclosing(run) as events:
                    async for event in events:
                        if isinstance(event, RunFinished):
                            last = event
                            break
                        written.append(event)
        except Stopped as stopped:
            written.finish("cancelled", f"stopped: {stopped.cause}")
        except (asyncio.CancelledError, LeaseLost, StorageUnavailable):
            self._leave(written)
            raise
        except Exception as error:  # its one reader is the run: nobody waits for this task
            log.exception("run %s failed after a person had decided", kept.run_id)
            written.finish("failed", f"{type(error).__name__}: {error}")
        finally:
            services.live.remove(kept.tenant, kept.run_id)
        try:
            await self._finish(written, last)
        except (asyncio.CancelledError, LeaseLost, StorageUnavailable):
            self._leave(written)
            raise

    async def _finish(self, written: RunLog, last: RunFinished | None) -> None:
        """Keep how it ended, or that it waits again, before anybody hears of it."""
        if last is None:
            await self._services.suspensions.finish(written, None)
            return
        again = last.outcome.suspended
        following = None if again is None else _suspension(again)
        await self._services.suspensions.finish(written.after(last), following)
        written.append(last)

    def _leave(self, written: RunLog) -> None:
        """Nobody hears more of it here, and nothing is recorded of a run that another may go on with."""
        written.finish("cancelled", "stopped: shutdown")
        if written.request.durable:
            self._services.store.abandon(written.tenant, written.run_id)


def _loaded(kept: Suspension) -> Suspended | None:
    try:
        return loaded(kept.state["suspended"])
    except (ValidationError, KeyError):
        log.exception("run %s was suspended by another version and can't go on", kept.run_id)
        return None


def _decided(approval: dict[str, Any]) -> Decided:
    reason = approval.get("decision_reason") or ""
    return Decided(approval["decision"], approval.get("edited_arguments"), reason)
