"""`background`: how many responses in the background go on, and wait."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.section import Section

_Count = Annotated[int, Field(ge=1, le=100_000)]


class BackgroundSettings(Section):
    """Responses in the background that go on at a time. What has no place waits; tenants take turns."""

    in_process: _Count = 100
    """At a time in one process of the gateway."""
    of_tenant: _Count = 50
    """At a time of one tenant, in all processes over the same store together."""
    waiting: _Count = 1000
    """Of one tenant, those that go on counted; a further one is answered with 429."""
