"""What is wished for a conversation that is too long for its model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ContextStrategy = Literal["refuse", "drop", "summarise"]


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """What happens where not all of a conversation fits.

    `refuse`: the model's engine says that it is too long, and the loop escalates or the app is told.
    `drop`: the oldest turns are left out. `summarise`: a summary stands in their place.

    `keep_last_turns`, at least 1, bounds the turns that stay once something has to go; None: all that
    fit.
    """

    strategy: ContextStrategy = "refuse"
    keep_last_turns: int | None = None
