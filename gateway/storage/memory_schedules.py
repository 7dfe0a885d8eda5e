"""Schedules in the process's own memory, gone when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.storage.schedules import (
    RUNS_KEPT,
    Fire,
    FireTaken,
    Firing,
    Schedule,
    State,
    TooManySchedules,
)
from gateway.storage.waiting import Waiting

_Key = tuple[str, str]


class MemoryScheduleStore:
    """A `ScheduleStore` for tests, and for a gateway that keeps nothing."""

    def __init__(self) -> None:
        self._kept: dict[_Key, Schedule] = {}
        self._fires: dict[_Key, list[Fire]] = {}

    async def add(self, schedule: Schedule, most: int) -> None:
        if sum(tenant == schedule.tenant for tenant, _ in self._kept) >= most:
            raise TooManySchedules(f"there are {most} schedules of this tenant")
        self._kept[schedule.tenant, schedule.id] = schedule
        self._fires[schedule.tenant, schedule.id] = []

    async def get(self, tenant: str, schedule_id: str) -> Schedule | None:
        return self._kept.get((tenant, schedule_id))

    async def list(self, tenant: str) -> Sequence[Schedule]:
        mine = (each for each in self._kept.values() if each.tenant == tenant)
        return sorted(mine, key=lambda each: (-each.created_at, each.id))

    async def move(
        self, schedule: Schedule, state: State, reason: str, next_at: float | None
    ) -> bool:
        key = schedule.tenant, schedule.id
        if self._kept.get(key) != schedule:
            return False
        look_at = next_at if state == "active" else None
        moved = replace(schedule, state=state, reason=reason, next_at=next_at, look_at=look_at)
        self._kept[key] = moved
        return True

    async def edit(self, schedule: Schedule, changed: Schedule) -> bool:
        key = schedule.tenant, schedule.id
        if self._kept.get(key) != schedule:
            return False
        self._kept[key] = changed
        return True

    async def delete(self, tenant: str, schedule_id: str) -> bool:
        self._fires.pop((tenant, schedule_id), None)
        return self._kept.pop((tenant, schedule_id), None) is not None

    async def due(self, now: float, most: int) -> Sequence[Schedule]:
        waiting = [(each.look_at, each.id, each) for each in self._kept.values()]
        found = sorted(
            (at, name, each) for at, name, each in waiting if at is not None and at <= now
        )
        return [each for _, _, each in found[:most]]

    async def waiting(self, now: float) -> Waiting:
        active = [each.next_at for each in self._kept.values() if each.state == "active"]
        return Waiting.of(at for at in active if at is not None and at <= now)

    async def put_off(self, schedule: Schedule, look_at: float) -> None:
        key = schedule.tenant, schedule.id
        if self._kept.get(key) == schedule:
            self._kept[key] = replace(schedule, look_at=look_at)

    async def claim(self, firing: Firing) -> None:
        fire = firing.fire
        key = fire.tenant, fire.schedule_id
        found = self._kept.get(key)
        if (
            found is None
            or found.state != "active"
            or (found.fires, found.next_at) != (fire.number - 1, firing.was_at)
        ):
            raise FireTaken(f"fire {fire.number} of {fire.schedule_id} is not ours")
        self._kept[key] = replace(
            found,
            state="active" if firing.next_at is not None else "done",
            next_at=firing.next_at,
            look_at=firing.next_at,
            fires=fire.number,
            last_response_id=fire.response_id or found.last_response_id,
        )
        self._fires[key] = [fire, *self._fires[key]][:RUNS_KEPT]

    async def fires(self, tenant: str, schedule_id: str, most: int) -> Sequence[Fire]:
        return self._fires.get((tenant, schedule_id), [])[:most]

    async def aclose(self) -> None:
        self._kept.clear()
        self._fires.clear()
