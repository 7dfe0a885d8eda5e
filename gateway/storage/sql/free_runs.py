"""Which durable runs nobody does, and whose turn it is: the queue's order, as one statement."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from gateway.storage.durable import SUSPECT_LOSSES
from gateway.storage.sql.holding import losses_with
from gateway.storage.sql.schema import durable_runs, effects, processes, suspensions

_C = durable_runs.c


def unheld() -> ColumnElement[bool]:
    """Runs of no living process."""
    return _C.process.not_in(select(processes.c.id))


def goes_on_decided() -> ColumnElement[bool]:
    """Runs that go on after a person has decided; the others are responses in the background."""
    return exists().where(
        suspensions.c.tenant == _C.tenant,
        suspensions.c.run_id == _C.run_id,
        suspensions.c.status == "resuming",
    )


@lru_cache(maxsize=16)  # asked once a second, mostly the same: building it takes milliseconds
def next_runs(
    me: str, going: tuple[str, ...], most: int, most_of_tenant: int, *, decided: bool
) -> Select[Any, Any]:
    """Keys of free runs of one kind, none of them `going` here: of no living process, or `me`'s, which it had to leave.

    What goes on here stays with who does it here, also where nobody seems to: a database that crashed can have lost
    that this process lives, or that it took the run. Taken once more, it would be done twice at the same time.

    The kind is runs that go on after a person has `decided`, or the others.

    Tenants take turns: each run's place is how many of its tenant come before it, those that go on, of either kind,
    first. One whose write is still under way in a living process waits for it. Of suspects there is one, the one with
    the fewest losses, and none where `me` does one already: it may be what kills processes, or one that it hit.
    """
    kind = goes_on_decided() if decided else ~goes_on_decided()
    elsewhere = _C.run_id.not_in(going)
    left = and_(_C.process == me, elsewhere, kind)
    is_free = and_(kind, elsewhere, or_(unheld(), left))
    under_way = exists().where(
        effects.c.tenant == _C.tenant,
        effects.c.run_id == _C.run_id,
        effects.c.state == "begun",
        effects.c.process.in_(select(processes.c.id)),
    )
    held = (
        select(_C.tenant, func.count().label("runs"))
        .where(~unheld(), ~left)
        .group_by(_C.tenant)
        .subquery()
    )
    mine = select(_C.run_id).where(_C.process == me, ~left, _C.losses >= SUSPECT_LOSSES)
    losses = losses_with(me)
    is_suspect = losses >= SUSPECT_LOSSES
    fewest_losses = func.row_number().over(
        partition_by=(_C.tenant, is_suspect), order_by=(losses, _C.created_at, _C.run_id)
    )
    told = losses.label("losses"), is_suspect.label("is_suspect"), fewest_losses.label("turn")
    free = select(_C.tenant, _C.run_id, _C.created_at, *told).where(is_free, ~under_way).subquery()
    oldest_first = func.row_number().over(
        partition_by=free.c.tenant, order_by=(free.c.created_at, free.c.run_id)
    )
    waiting = (
        select(free, oldest_first.label("nth"))
        .where(or_(~free.c.is_suspect, and_(free.c.turn == 1, ~mine.exists())))
        .subquery()
    )
    place = func.coalesce(held.c.runs, 0) + waiting.c.nth
    order = place, waiting.c.created_at, waiting.c.run_id
    least_suspect = func.row_number().over(
        partition_by=waiting.c.is_suspect, order_by=(waiting.c.losses, *order)
    )
    ranked = (
        select(waiting, place.label("place"), least_suspect.label("rank"))
        .join(held, held.c.tenant == waiting.c.tenant, isouter=True)
        .where(place <= most_of_tenant)
        .subquery()
    )
    return (
        select(ranked.c.tenant, ranked.c.run_id)
        .where(or_(~ranked.c.is_suspect, ranked.c.rank == 1))
        .order_by(ranked.c.place, ranked.c.created_at, ranked.c.run_id)
        .limit(most)
    )
