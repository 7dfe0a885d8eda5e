"""What gateways have set aside of budgets: by whom, so that the dead do not hold it for ever.

A row says how much of an account's `reserved` is one process's. When a process is no longer among the living
(`gateway.storage.sql.processes`, after its lease), its rows go, and the accounts have that much again. One that
was only silent finds its rows gone when it books: it gives back no more than what it still holds.
"""

from __future__ import annotations

import logging

from sqlalchemy import bindparam, delete, select, update

from gateway.storage.accounts import NANO
from gateway.storage.sql.alone import alone
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.schema import accounts, processes, reservations

log = logging.getLogger("gateway.budgets")

_LOCK = 0x6D6F6E6579  # "money"
_GIVE_BACK = (
    update(accounts)
    .where(accounts.c.account == bindparam("of"))
    .where(accounts.c.period == bindparam("then"))
    .values(reserved=accounts.c.reserved - bindparam("back"))
)


async def lock_accounts(connection: AsyncConnection) -> None:
    """Until the transaction ends nobody else changes accounts."""
    await alone(connection, _LOCK)


async def release_orphans(connection: AsyncConnection) -> None:
    """Give back what processes that are gone had set aside."""
    gone = reservations.c.process.not_in(select(processes.c.id))
    if (
        await connection.execute(select(reservations.c.process).where(gone).limit(1))
    ).first() is None:
        return
    await lock_accounts(connection)
    freed = delete(reservations).where(gone).returning(*reservations.c)
    rows = (await connection.execute(freed)).all()
    held = [
        {"of": row.account, "then": row.period, "back": row.amount} for row in rows if row.amount
    ]
    if held:
        await connection.execute(_GIVE_BACK, held)
        total = sum(row.amount for row in rows) / NANO
        log.warning("gateways that are gone had $%.6f set aside: budgets have it again", total)
