"""Whole runs, many at once: what is asked of a store, and what it gives.

For those who look back over runs: lists, statistics, exports. One run that may still be going is read
through `gateway.storage.runs.RunView`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.storage.runs import RunHead, RunLog, RunStatus


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs. Times are seconds since the epoch: `since` is in, `until` is not.

    No `statuses` means all. `before` is the place (`created_at`, id) after which a listing goes on.
    """

    since: float | None = None
    until: float | None = None
    statuses: tuple[str, ...] = ()
    before: tuple[float, str] | None = None

    def covers(self, run: RunHead) -> bool:
        """Whether a run is one of these."""
        return (
            (self.since is None or run.created_at >= self.since)
            and (self.until is None or run.created_at < self.until)
            and (not self.statuses or run.status in self.statuses)
            and (self.before is None or (run.created_at, run.run_id) < self.before)
        )


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it was when it was read. `trace` is the document of `RunView.trace`."""

    tenant: str
    run_id: str
    role: str
    status: RunStatus
    created_at: float
    finished_at: float | None
    error: str | None
    trace: dict[str, Any]


def record_of(log: RunLog) -> RunRecord:
    """The record of a run that is going, or is not written yet."""
    return RunRecord(
        log.tenant,
        log.run_id,
        log.role,
        log.status,
        log.created_at,
        log.finished_at,
        log.error,
        log.trace(),
    )
