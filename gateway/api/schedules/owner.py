"""Whose authority the runs of a schedule have: that of the key which made it, as long as it has any."""

from __future__ import annotations

from gateway.access.check import KeyCheck, KeyRefused
from gateway.access.principal import Principal
from gateway.services import Services
from gateway.storage.schedules import Schedule


async def owner_of(services: Services, schedule: Schedule) -> Principal:
    """Who asks, asked anew each time. Raises `KeyRefused` with why nobody does, `StorageUnavailable`."""
    if services.access is None:  # nobody has to show a key
        return Principal(schedule.key, schedule.role, schedule.tenant)
    if not schedule.key:
        raise KeyRefused("it was made without a key, when the gateway asked for none")
    return await _acting(services.access, schedule)


async def _acting(access: KeyCheck, schedule: Schedule) -> Principal:
    found = await access.acting(schedule.key)
    if found.tenant != schedule.tenant:
        raise KeyRefused(f"the key {found.key} is of another tenant")
    return found
