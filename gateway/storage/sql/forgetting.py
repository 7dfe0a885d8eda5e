"""Deleting a run with all that hangs on it, within a transaction of others."""

from __future__ import annotations

from sqlalchemy import and_, delete

from gateway.storage.ledger import OPEN
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.schema import durable_runs, effects, runs, suspensions


async def delete_run(connection: AsyncConnection, tenant: str, run_id: str) -> None:
    """The run, which stops wherever it goes on, what waits for a person in it, and its effects; `tenant` and `run_id` as in the tables.

    An effect that nobody knows the outcome of stays until it is settled: it has to be found, and must not
    be made again.
    """
    closed = effects.c.state.not_in(OPEN)
    for chosen in (
        delete(runs).where(runs.c.tenant == tenant, runs.c.id == run_id),
        delete(durable_runs).where(
            durable_runs.c.tenant == tenant, durable_runs.c.run_id == run_id
        ),
        delete(suspensions).where(suspensions.c.tenant == tenant, suspensions.c.run_id == run_id),
        delete(effects).where(and_(effects.c.tenant == tenant, effects.c.run_id == run_id, closed)),
    ):
        await connection.execute(chosen)
