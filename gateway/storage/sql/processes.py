"""Which gateways are alive, so that what a dead one left half done is found.

Each renews its row every few seconds. One is dead when its row is old, or, on the same machine, when its
process is gone; a restarted gateway thus knows at once.
"""

from __future__ import annotations

import os
import platform
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Row, delete, exists, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

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
CUT = "the gateway stopped between this call's intent and its receipt"


class Process:
    """This gateway among those that share the database."""

    def __init__(self, now: Callable[[], float] = time.time, pid: int | None = None) -> None:
        self.id = secrets.token_hex(8)
        self._pid = os.getpid() if pid is None else pid
        self._machine = _machine()
        self._now = now

    async def announce(self, connection: AsyncConnection) -> None:
        """Renew the row that says that this gateway is alive."""
        row = {"id": self.id, "machine": self._machine, "pid": self._pid, "seen_at": self._now()}
        await connection.execute(_RENEW, row)

    async def leave(self, connection: AsyncConnection) -> None:
        """This gateway has ended, and nothing of it goes on."""
        await connection.execute(delete(processes).where(processes.c.id == self.id))
        await self._end_orphans(connection)

    async def bury(self, connection: AsyncConnection) -> None:
        """Renew the own row, forget the dead, end the runs that they left, free their money, doubt their effects."""
        await self.announce(connection)
        columns = processes.c.id, processes.c.machine, processes.c.pid, processes.c.seen_at
        rows = (await connection.execute(select(*columns))).all()
        dead = [row.id for row in rows if row.id != self.id and self._is_dead(row)]
        if dead:
            await connection.execute(delete(processes).where(processes.c.id.in_(dead)))
        await self._end_orphans(connection)

    async def _end_orphans(self, connection: AsyncConnection) -> None:
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
            .values(state="unknown", note=CUT, changed_at=self._now())
        )

    def _is_dead(self, row: Row[str, str, int, float]) -> bool:
        _, machine, pid, seen_at = row
        if seen_at < self._now() - LEASE_S:
            return True
        return machine == self._machine and not _runs(pid)


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
