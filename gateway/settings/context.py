"""`context`: what is done about conversations that are too long for their model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.context.options import ContextStrategy
from gateway.settings.section import Section


class ContextSettings(Section):
    """What is done about conversations that are too long for their model; a request may ask for other."""

    strategy: ContextStrategy = "refuse"
    """`refuse`: escalate or say so. `drop`: leave the oldest turns out. `summarise`: by a model."""
    keep_last_turns: Annotated[int, Field(ge=1)] | None = None
    """Turns that stay at most once something has to go; null: all that fit."""
