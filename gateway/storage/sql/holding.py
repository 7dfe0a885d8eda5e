"""Which process does a durable run: taking runs that nobody does, and seeing that one is still one's own.

Two kinds of runs are held: responses in the background (`durable.py`), and runs that go on after a person has
decided (`suspensions.py`), whose suspension says `resuming`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, select, update

from gateway.storage.durable import LeaseLost
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.schema import durable_runs
from gateway.storage.sql.text import key

NOBODY = ""

_C = durable_runs.c
CLAIM = 0x636C61696D  # "claim"
"""For `alone`: two that count what goes on at the same time would count wrong."""


def losses_with(me: str) -> ColumnElement[int]:
    """What a run's losses are once `me` takes it from whoever held it: one more where that one has died."""
    return _C.losses + case((_C.process.in_((NOBODY, me)), 0), else_=1)


def this_run(tenant: str, run_id: str) -> ColumnElement[bool]:
    """The row of a run."""
    return and_(_C.tenant == key(tenant), _C.run_id == key(run_id))


async def require_hold(connection: AsyncConnection, me: str, tenant: str, run_id: str) -> int:
    """Whoever takes it over has to wait for the end of this transaction. Gives its losses, or raises `LeaseLost`."""
    held = this_run(tenant, run_id), _C.process == me
    found = await connection.execute(select(_C.losses).where(*held).with_for_update())
    losses = found.scalar_one_or_none()
    if losses is None:
        raise LeaseLost(f"run {run_id} is another process's, or was deleted")
    return losses


async def hold(connection: AsyncConnection, me: str, chosen: Select[Any, Any]) -> Sequence[Any]:
    """Make the chosen runs `me`'s, alone; gives names, state, losses, and whether it is cancelled."""
    held = update(durable_runs).values(process=me, losses=losses_with(me))
    told = held.returning(_C.tenant_name, _C.run_name, _C.state, _C.losses, _C.cancelled)
    rows = (await connection.execute(chosen)).all()
    return [
        (await connection.execute(told.where(_C.tenant == tenant, _C.run_id == run_id))).one()
        for tenant, run_id in rows
    ]
