"""The task that begins what is due. Every process has one; a fire is the one's that claims its number.

What is due is looked for once a second. A run is prepared as a request of the key that made the schedule,
and begins in the transaction that claims its fire: who comes second finds it taken, and writes nothing. What
can't begin now (a full queue, a conversation that is written to, a store that does not answer) is due still,
and looked at again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from gateway.access.check import KeyRefused
from gateway.access.principal import Principal
from gateway.api.errors import HANDLED, Answer
from gateway.api.responses.creation import prepare
from gateway.api.responses.live import LiveResponses
from gateway.api.responses.request import parse_request
from gateway.api.responses.told import told
from gateway.api.schedules.owner import owner_of
from gateway.schedules.due import Due, due
from gateway.schedules.plan import Plan
from gateway.services import Services
from gateway.storage.audit import Entry
from gateway.storage.errors import StorageUnavailable
from gateway.storage.responses import UNFINISHED
from gateway.storage.schedules import Fire, FireTaken, Firing, Outcome, Schedule

log = logging.getLogger("gateway.schedules")

_LOOK_EVERY_S = 1.0
_AT_ONCE = 16
_BEGIN_S = 30.0
"""How long it may take to begin one."""
HOLD_S = 5.0
"""How long what can't begin now is left alone."""
_NOT_NOW = frozenset({409, 429, 503})

_MISSED = "its time was missed, and missed runs are not wanted"
_OVERLAP = "the run before it still went on"


class Scheduler:
    """Entered by the application, within its `LiveResponses`."""

    def __init__(
        self,
        services: Services,
        live: LiveResponses,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._services = services
        self._store = services.schedules
        self._live = live
        self._now = services.clock
        self._pause = pause
        self._stack = AsyncExitStack()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._task = group.create_task(self._serve(), name="schedules")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._stack.__aexit__(kind, error, traceback)

    async def look(self) -> bool:
        """Begin what is due; gives whether more may be. Raises `StorageUnavailable` where that can't be known."""
        found = await self._store.due(self._now(), _AT_ONCE)
        async with asyncio.TaskGroup() as group:
            begun = [group.create_task(self._begin(each)) for each in found]
        return len(found) == _AT_ONCE and all(each.result() for each in begun)

    async def _serve(self) -> None:
        while True:
            more = False
            try:
                more = await self.look()
            except StorageUnavailable as error:
                log.warning("schedules wait for their store: %s", error)
            if not more:
                await self._pause(_LOOK_EVERY_S)

    async def _begin(self, schedule: Schedule) -> bool:
        """One schedule, and whether that is done with; whatever goes wrong is its own."""
        try:
            async with asyncio.timeout(_BEGIN_S):
                await self._fire(schedule)
        except FireTaken:
            log.debug("%s was fired by another gateway", schedule.id)
        except StorageUnavailable as error:
            log.warning("the schedule %s waits: %s", schedule.id, error)
            return False
        except Exception:
            # one schedule must not end the others, and what can't be begun must not stand before them
            log.exception("the schedule %s can't be begun", schedule.id)
            with suppress(StorageUnavailable):
                await self._store.put_off(schedule, self._now() + HOLD_S)
        return True

    async def _fire(self, schedule: Schedule) -> None:
        if schedule.next_at is None:
            return
        plan, now = Plan(**schedule.plan), self._now()
        told_due = due(plan.times(schedule.created_at), plan.missed, schedule.next_at, now)
        if told_due.is_dropped:
            await self._note(schedule, told_due, "skipped", _MISSED)
            return
        if await self._goes(schedule):
            if plan.overlap == "queue":
                await self._store.put_off(schedule, now + HOLD_S)
            else:
                await self._note(schedule, told_due, "skipped", _OVERLAP)
            return
        try:
            caller = await owner_of(self._services, schedule)
        except KeyRefused as refused:
            await self._stop(schedule, str(refused))
            return
        try:
            await self._start(schedule, plan, told_due, caller)
        except HANDLED as error:
            said = told(error)
            if said.status in _NOT_NOW:
                await self._put_off(schedule, said)
            else:
                await self._note(schedule, told_due, "failed", said.message)

    async def _start(self, schedule: Schedule, plan: Plan, due_now: Due, caller: Principal) -> None:
        request = parse_request({**plan.request, "background": True})
        with ExitStack() as held:
            held.enter_context(self._live.writing(caller.tenant, request.conversation_id))
            creation = await prepare(request, self._services, caller)
            firing = self._firing(schedule, due_now, "started")
            fire = replace(firing.fire, response_id=creation.id, run_id=creation.run.run_id)
            await self._live.start(creation, held, replace(firing, fire=fire))
        self._tell(schedule, "fire_schedule", "started", run_id=creation.run.run_id)
        if self._services.telemetry is not None:
            self._services.telemetry.schedule_late(fire.fired_at - fire.due_at)

    async def _goes(self, schedule: Schedule) -> bool:
        """Whether the run before is not over."""
        if schedule.last_response_id is None:
            return False
        found = await self._services.responses.get(schedule.tenant, schedule.last_response_id)
        return found is not None and found.document["status"] in UNFINISHED

    async def _note(self, schedule: Schedule, due_now: Due, outcome: Outcome, reason: str) -> None:
        """Write down that a run did not begin, and move on."""
        await self._store.claim(self._firing(schedule, due_now, outcome, reason))
        log.warning("the schedule %s has no run: %s", schedule.id, reason)
        self._tell(schedule, "fire_schedule", outcome)

    async def _stop(self, schedule: Schedule, reason: str) -> None:
        if await self._store.move(schedule, "stopped", reason, None):
            log.warning("the schedule %s is stopped: %s", schedule.id, reason)
            self._tell(schedule, "stop_schedule", "stopped")

    async def _put_off(self, schedule: Schedule, said: Answer) -> None:
        log.warning("the schedule %s waits: %s", schedule.id, said.message)
        later = max(HOLD_S, said.retry_after_s or 0)
        await self._store.put_off(schedule, self._now() + later)

    def _firing(
        self, schedule: Schedule, due_now: Due, outcome: Outcome, reason: str = ""
    ) -> Firing:
        fire = Fire(
            tenant=schedule.tenant,
            schedule_id=schedule.id,
            number=schedule.fires + 1,
            due_at=due_now.at,
            since=due_now.since,
            fired_at=self._now(),
            outcome=outcome,
            reason=reason,
        )
        return Firing(fire, schedule.next_at or due_now.since, due_now.next_at)

    def _tell(self, schedule: Schedule, action: str, outcome: str, run_id: str = "") -> None:
        """The audit log and the metrics."""
        decision = "allow" if outcome == "started" else "deny"
        who = schedule.key, schedule.tenant
        entry = Entry(time.time(), *who, action, schedule.id, decision, run_id=run_id)
        self._services.audit.record(entry)
        if self._services.telemetry is not None:
            self._services.telemetry.schedule_fired(outcome)
