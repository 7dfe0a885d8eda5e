"""`schedules`: requests that come again by themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.section import Section


class SchedulesSettings(Section):
    """Requests that come again by themselves. See docs/schedules.md."""

    of_tenant: Annotated[int, Field(ge=0, le=10_000)] = 100
    """How many a tenant may have, those that are paused or over counted; 0: none."""
    min_interval_s: Annotated[float, Field(ge=1, le=31_536_000)] = 60.0
    """The least time between two runs of one, in seconds."""
