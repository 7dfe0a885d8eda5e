"""What a schedule becomes when it is edited.

Whoever edits it makes it theirs: its runs act for their key from then on. So nobody can let another's key ask
something, and one that was stopped because its key was revoked goes on under another.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.access.principal import Principal
from gateway.api.schedules.checks import (
    first_of,
    require_answerable,
    require_key,
    require_rare,
    times,
)
from gateway.api.schedules.wire import ScheduleChange
from gateway.services import Services
from gateway.storage.schedules import Schedule


async def edited(
    found: Schedule, change: ScheduleChange, services: Services, caller: Principal
) -> Schedule:
    """`found` with the change in it, as the caller's. Raises `ApiError` where that could not be made."""
    plan = change.on(found.plan)
    require_key(caller)
    when, now = times(plan, found.created_at), services.clock()
    if change.when is not None:
        require_rare(when, now, services.schedule_bounds.min_interval_s)
        first_of(when, now)
    await require_answerable(plan, services, caller)
    changed = replace(found, key=caller.key, role=caller.role, plan=plan.as_data())
    if found.state == "paused" or (found.state == "active" and change.when is None):
        return changed  # what is due and waits is due still
    first = first_of(when, now)
    return replace(changed, state="active", reason="", next_at=first, look_at=first)
