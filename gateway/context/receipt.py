"""The record of what was done about a conversation that was too long."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.context.options import ContextStrategy
from routing.backend import Usage


@dataclass(frozen=True, slots=True)
class Shortened:
    """The receipt of one model turn that was shown less than the whole conversation.

    `messages` and `tokens` tell what was left out, the oldest first; `kept` messages remained.
    `summary` stands in their place, None where nothing does; `model` in its `role` made it; `usage` and `cost_usd` (US dollars) are
    what making it took, nothing where an earlier one served. `failed` says why there is none though
    one was wished.
    """

    step: int
    strategy: ContextStrategy
    messages: int
    tokens: int
    kept: int
    summary: str | None = None
    role: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    failed: str | None = None
