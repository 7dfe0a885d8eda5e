"""`limits`: bounds of every run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.section import Seconds, Section


class LimitsSettings(Section):
    """Bounds of every run; a request may only ask for less."""

    max_steps: Annotated[int, Field(ge=1, le=100)] = 12
    """Model turns; the last one is made to answer."""
    deadline_s: Seconds = 120.0
    """For the whole run: model turns, tools and escalations, in seconds."""
    max_cost_usd: Annotated[float, Field(ge=0)] | None = None
    """For the whole run, in US dollars; null: no bound."""
    max_calls_per_turn: Annotated[int, Field(ge=1, le=128)] = 16
    """Further ones in a turn are dropped, and the model is told."""
    max_repetition: Annotated[int, Field(ge=0)] = 4_000
    """Characters over which an answer may say one piece over and over, sixteen times or more, before it is stopped.
    0: no bound."""
    approval_s: Seconds = 86_400.0
    """For a person to decide about a call that waits for them, in seconds."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    """Of a request; a larger one is answered with 413."""
