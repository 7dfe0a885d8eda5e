"""How much is kept, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.storage.files import FileBounds

_DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Retention:
    """Bounds of what is kept. In SQL they hold for each tenant, in memory for all together.

    Runs go `max_run_age_s` seconds after their end. Responses go by chain, conversations as a whole,
    `max_idle_s` after their last use. `max_bytes` bounds the text of the runs, of the responses and of
    the conversations, each. What is oldest goes first. `files` bounds what tools brought, which goes with its run.
    """

    max_runs: int = 10_000
    max_run_age_s: float = 7 * _DAY_S
    max_responses: int = 10_000
    max_conversations: int = 10_000
    max_idle_s: float = 30 * _DAY_S
    max_bytes: int = 256 * 1024 * 1024
    files: FileBounds = field(default_factory=FileBounds)
