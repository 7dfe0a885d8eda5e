"""What goes on behind the requests: saying that this gateway is alive, burying the dead, retention.

Each sweep deletes some hundred rows a transaction and a bounded number of transactions, so that no
request waits for it; what is left is the next sweep's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Over,
    Select,
    Table,
    UnaryExpression,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.storage.errors import StorageUnavailable
from gateway.storage.ledger import OPEN
from gateway.storage.retention import Retention
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.processes import RENEWAL_S
from gateway.storage.sql.schema import (
    accounts,
    chains,
    conversations,
    durable_runs,
    effects,
    rates,
    runs,
    suspensions,
)

log = logging.getLogger("gateway.storage")

_SWEEP_S = 60.0
_BATCH = 200
_BATCHES = 50
_CLOCKS_DIFFER_S = 300.0
_LOCK = 0x7377656570  # "sweep"

_Keys = Select[str, str]


def upkeep(retention: Retention) -> Callable[[Database], Awaitable[None]]:
    """The task of one database, until it is cancelled."""

    async def work(database: Database) -> None:
        swept = float("-inf")
        while True:
            try:
                async with database.write() as connection:
                    await database.process.bury(connection)
                if time.monotonic() - swept >= _SWEEP_S:
                    await sweep(database, retention)
                    swept = time.monotonic()
            except (StorageUnavailable, SQLAlchemyError) as error:
                log.warning("the upkeep of the store has to wait: %s", error)
            await asyncio.sleep(RENEWAL_S)

    return work


async def sweep(
    database: Database, retention: Retention, now: Callable[[], float] = time.time
) -> None:
    """Delete what is too old, then what is too much."""
    idle = now() - retention.max_idle_s
    old = runs.c.finished_at < now() - retention.max_run_age_s
    single = literal(1)
    await _thin_out(database, runs, _keys(runs, old))
    await _thin_out(database, chains, _keys(chains, chains.c.used_at < idle))
    await _thin_out(database, conversations, _keys(conversations, conversations.c.used_at < idle))
    for table, used_at, pieces, most in (
        (runs, runs.c.created_at, single, retention.max_runs),
        (chains, chains.c.used_at, chains.c.responses, retention.max_responses),
        (conversations, conversations.c.used_at, single, retention.max_conversations),
    ):
        # Reckoned from the newest on, in each tenant: how much is kept up to and with this one.
        newest_first = used_at.desc(), table.c.id.desc()
        ranked = select(
            table.c.tenant,
            table.c.id,
            _reckoned(table, pieces, newest_first).label("pieces"),
            _reckoned(table, table.c.size, newest_first).label("bytes"),
        ).subquery()
        over = or_(ranked.c.pieces > most, ranked.c.bytes > retention.max_bytes)
        await _thin_out(database, table, select(ranked.c.tenant, ranked.c.id).where(over))
    before = now() - retention.max_run_age_s
    of_effect = effects.c.tenant, effects.c.run_id, effects.c.id
    # What is unknown stays until someone knows.
    closed = and_(effects.c.changed_at < before, effects.c.state.not_in(OPEN))
    await _forget(database, effects, of_effect, closed)
    of_run = suspensions.c.tenant, suspensions.c.run_id
    goes_on = exists().where(
        durable_runs.c.tenant == suspensions.c.tenant,
        durable_runs.c.run_id == suspensions.c.run_id,
    )
    idle = and_(suspensions.c.expires_at < before, ~goes_on)
    await _forget(database, suspensions, of_run, idle)
    past = accounts.c.ends_at < before
    await _forget(database, accounts, (accounts.c.account, accounts.c.period), past)
    full = rates.c.full_at < int((now() - _CLOCKS_DIFFER_S) * 1e9)  # as good as none
    await _forget(database, rates, (rates.c.bucket,), full)
    if database.dialect == "sqlite":
        async with database.write() as connection:
            await connection.execute(text("PRAGMA incremental_vacuum(1000)"))


def _reckoned(
    table: Table, what: ColumnElement[int], order: tuple[UnaryExpression[Any], ...]
) -> Over[Any]:
    return func.sum(what).over(partition_by=table.c.tenant, order_by=order)


def _keys(table: Table, which: ColumnElement[bool]) -> _Keys:
    return select(table.c.tenant, table.c.id).where(which)


async def _thin_out(database: Database, table: Table, chosen: _Keys) -> None:
    """Delete the chosen rows, in small transactions; one gateway at a time."""
    batch = delete(table).where(tuple_(table.c.tenant, table.c.id).in_(chosen.limit(_BATCH)))
    if table is runs:  # one that is going is neither too old nor too much
        batch = batch.where(runs.c.finished_at.is_not(None))
    for _ in range(_BATCHES):
        async with database.write() as connection:
            if not await _alone(database, connection):
                return
            gone = await connection.execute(batch)
        if gone.rowcount < _BATCH:
            return


async def _forget(
    database: Database, table: Table, keys: tuple[Column[Any], ...], old: ColumnElement[bool]
) -> None:
    """Delete what is old of a table, in small transactions; one gateway at a time."""
    chosen = select(*keys).where(old).limit(_BATCH)
    for _ in range(_BATCHES):
        async with database.write() as connection:
            if not await _alone(database, connection):
                return
            gone = await connection.execute(delete(table).where(tuple_(*keys).in_(chosen)))
        if gone.rowcount < _BATCH:
            return


async def _alone(database: Database, connection: AsyncConnection) -> bool:
    """Whether no other gateway sweeps now; for the time of the transaction."""
    if database.dialect == "sqlite":
        return True
    locked = text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool((await connection.execute(locked, {"key": _LOCK})).scalar())
