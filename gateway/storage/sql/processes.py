"""Which gateways are alive, so that what a dead one left half done is found.

Each renews its row every few seconds. One is dead when its row is old, or, on the same machine, when its
process is gone; a restarted gateway thus knows at once.

An old row says nothing where the database was away: then nobody could renew. So only who has renewed its own
row all the while takes others for dead by theirs.
"""

from __future__ import annotations

import math
import os
import platform
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Row, case, delete, exists, select, text, update

from gateway.storage.ledger import CUT, SILENT
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.reservations import release_orphans
from gateway.storage.sql.schema import durable_runs, effects, processes, runs

RENEWAL_S = 5.0
LEASE_S = 4 * RENEWAL_S
_RENEW = text(
    "INSERT INTO processes (id, machine, pid, seen_at) VALUES (:id, :machine, :pid, :seen_at)"
    " ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"
)
_same_run = durable_runs.c.run_id == runs.c.id  # somebody will take it over
GONE = "the gateway stopped while this run was going"


class Process:
    """This gateway among those that share the database."""

    def __init__(self, now: Callable[[], float] = time.time, pid: int | None = None) -> None:
        self.id = secrets.token_hex(8)
        self._pid = os.getpid() if pid is None else pid
        self._machine = _machine()
        self._now = now
        self._renewed_at = self._steady_since = -math.inf

    @property
    def was_silent(self) -> bool:
        """Whether it has not been heard of for so long that others may soon take it for dead, or did."""
        return self._now() - self._renewed_at > LEASE_S / 2

    async def announce(self, connection: AsyncConnection) -> None:
        """Renew the row that says that this gateway is alive."""
        now = self._now()
        row = {"id": self.id, "machine": self._machine, "pid": self._pid, "seen_at": now}
        await connection.execute(_RENEW, row)
        if now - self._renewed_at > 2 * RENEWAL_S:
            self._steady_since = now
        self._renewed_at = now

    async def leave(self, connection: AsyncConnection) -> None:
        """This gateway has ended, and nothing of it goes on."""
        await connection.execute(delete(processes).where(processes.c.id == self.id))
        await self._end_orphans(connection, [self.id])

    async def bury(self, connection: AsyncConnection) -> None:
        """Renew the own row, forget the dead, end the runs that they left, free their money, doubt their effects."""
        await self.announce(connection)
        columns = processes.c.id, processes.c.machine, processes.c.pid, processes.c.seen_at
        rows = (await connection.execute(select(*columns))).all()
        others = [row for row in rows if row.id != self.id]
        gone = [row.id for row in others if self._is_gone(row)]
        dead = gone + [row.id for row in others if self._is_silent(row)]
        if dead:
            await connection.execute(delete(processes).where(processes.c.id.in_(dead)))
        await self._end_orphans(connection, gone)

    async def _end_orphans(self, connection: AsyncConnection, gone: Sequence[str]) -> None:
        """What no process of the table does, is over. Of those that are `gone` nothing can come any more."""
        await connection.execute(
            update(runs)
            .where(runs.c.finished_at.is_(None))
            .where(runs.c.process.not_in(select(processes.c.id)))
            .where(~exists().where(durable_runs.c.tenant == runs.c.tenant, _same_run))
            .values(status="failed", error=GONE, finished_at=self._now())
        )
        await release_orphans(connection)
        await connection.execute(
            update(effects)
            .where(effects.c.state == "begun")
            .where(effects.c.process.not_in(select(processes.c.id)))
            .values(
                state="unknown",
                note=case((effects.c.process.in_(gone), CUT), else_=SILENT),
                changed_at=self._now(),
            )
        )

    def _is_gone(self, row: Row[str, str, int, float]) -> bool:
        _, machine, pid, _ = row
        return machine == self._machine and not _runs(pid)

    def _is_silent(self, row: Row[str, str, int, float]) -> bool:
        since = self._now() - LEASE_S
        return row.seen_at < since and self._steady_since <= since


def _machine() -> str:
    """The name of the machine and of its space of process ids, which containers have of their own."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0
    return f"{platform.node()}/{space}"


def _runs(pid: int) -> bool:
    if os.name == "nt":  # there, a signal 0 would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
