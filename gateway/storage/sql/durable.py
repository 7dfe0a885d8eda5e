"""Durable runs in SQL. A row says which process holds a run; whether that one lives, `processes` says.

A row whose process is not alive is for anyone to claim, and so is one that no process holds (`''`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update

from gateway.storage.durable import Bounds, Claimed, DurableRuns, Ended, LeaseLost, QueueFull
from gateway.storage.errors import StorageUnavailable
from gateway.storage.items import Item
from gateway.storage.responses import StoredResponse
from gateway.storage.runs import RunLog
from gateway.storage.schedules import Firing
from gateway.storage.sql.alone import alone
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.conversations import SqlConversationStore
from gateway.storage.sql.database import Database
from gateway.storage.sql.free_runs import goes_on_decided, next_runs, unheld
from gateway.storage.sql.holding import CLAIM, NOBODY, hold, require_hold, this_run
from gateway.storage.sql.responses import SqlResponseStore
from gateway.storage.sql.runs import SqlRunStore
from gateway.storage.sql.schedules import SqlScheduleStore
from gateway.storage.sql.schema import durable_runs, durable_steps, processes, runs
from gateway.storage.sql.text import decode, encode, key, plain
from gateway.storage.sql.waiting import waiting
from gateway.storage.waiting import Waiting

log = logging.getLogger("gateway.storage")

_C = durable_runs.c
_S = durable_steps.c


class SqlDurableRuns(DurableRuns):
    """`DurableRuns`. The stores write their part of a run's begin and end into its transactions."""

    def __init__(
        self,
        database: Database,
        run_store: SqlRunStore,
        responses: SqlResponseStore,
        conversations: SqlConversationStore,
        schedules: SqlScheduleStore,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        database.hold()
        self.database = database
        self._runs = run_store
        self._responses = responses
        self._conversations = conversations
        self._schedules = schedules
        self._now = now

    async def put(
        self,
        state: Mapping[str, Any],
        response: StoredResponse,
        inputs: Sequence[Item],
        bounds: Bounds,
        *,
        at_once: bool,
        firing: Firing | None = None,
    ) -> bool:
        row = {
            "tenant": key(response.tenant),
            "run_id": key(response.run_id),
            "tenant_name": encode(response.tenant),
            "run_name": encode(response.run_id),
            "created_at": response.created_at,
            "losses": 0,
            "cancelled": False,
            "state": encode(dict(state)),
        }
        of_tenant = select(func.count(), func.count().filter(unheld()))
        count = of_tenant.where(_C.tenant == row["tenant"])
        async with self.database.write(durable=True) as connection:
            await alone(connection, CLAIM)
            total, waiting = (await connection.execute(count)).one()
            if total >= bounds.waiting:
                raise QueueFull(f"{total} runs of this tenant wait or go on in the background")
            if firing is not None:
                await self._schedules.claim_in(connection, firing)
            holds = at_once and not waiting and total < bounds.of_tenant
            row["process"] = self._me if holds else NOBODY
            await connection.execute(insert(durable_runs).values(row))
            await self._responses.create_in(connection, response, inputs)
        return holds

    async def claim(self, going: Collection[str], most: int, bounds: Bounds) -> Sequence[Claimed]:
        names = tuple(sorted(key(each) for each in going))
        chosen = next_runs(self._me, names, most, bounds.of_tenant, decided=False)
        async with self.database.read() as connection:  # most looks find nothing, and lock nothing
            if (await connection.execute(chosen)).first() is None:
                return ()
        async with self.database.write() as connection:
            await alone(connection, CLAIM)
            rows = await hold(connection, self._me, chosen)
        return [
            Claimed(
                decode(row.tenant_name),
                decode(row.run_name),
                decode(row.state),
                row.losses,
                row.cancelled,
            )
            for row in rows
        ]

    async def waiting(self) -> Waiting:
        return await waiting(self.database, _C.created_at, and_(unheld(), ~goes_on_decided()))

    async def is_held(self, tenant: str, run_id: str) -> bool:
        held = select(_C.run_id).where(this_run(tenant, run_id), ~unheld())
        async with self.database.read() as connection:
            return (await connection.execute(held)).first() is not None

    async def steps(self, tenant: str, run_id: str) -> Mapping[tuple[int, str], dict[str, Any]]:
        mine = and_(_S.tenant == key(tenant), _S.run_id == key(run_id))
        async with self.database.read() as connection:
            rows = await connection.execute(select(_S.step, _S.kind, _S.record).where(mine))
            return {(step, kind): decode(record) for step, kind, record in rows}

    async def record(
        self,
        tenant: str,
        run_id: str,
        at: tuple[int, str],
        value: Mapping[str, Any],
        *,
        once: bool = False,
    ) -> None:
        where = {"tenant": key(tenant), "run_id": key(run_id), "step": at[0], "kind": at[1]}
        same = and_(*(_S[name] == part for name, part in where.items()))
        async with self.database.write() as connection:
            losses = await require_hold(connection, self._me, tenant, run_id)
            if losses:  # it goes on: it kills nobody
                mended = update(durable_runs).where(this_run(tenant, run_id)).values(losses=0)
                await connection.execute(mended)
            if once:
                await _require_none(connection, same, run_id)
            else:
                await connection.execute(delete(durable_steps).where(same))
            row = {**where, "record": encode(dict(value))}
            await connection.execute(insert(durable_steps).values(row))

    async def finish(self, log: RunLog, ended: Ended) -> None:
        response, conversation = ended.response, ended.response.conversation_id
        async with self._runs.ending(log) as connection:
            await require_hold(connection, self._me, log.tenant, log.run_id)
            await self._responses.update_in(connection, response, ended.outputs, ended.events)
            if conversation is not None and ended.said:
                await self._conversations.append_in(
                    connection, response.tenant, conversation, ended.said
                )
            await connection.execute(delete(durable_runs).where(this_run(log.tenant, log.run_id)))

    async def drop(self, response: StoredResponse, error: str) -> None:
        async with self.database.write(durable=True) as connection:
            await require_hold(connection, self._me, response.tenant, response.run_id)
            await self._drop(connection, response, error)

    async def cancel(self, response: StoredResponse, error: str) -> bool:
        this = this_run(response.tenant, response.run_id)
        held = _C.process.in_(select(processes.c.id))
        async with self.database.write(durable=True) as connection:
            found = await connection.execute(select(held).where(this).with_for_update())
            is_held = found.scalar_one_or_none()
            if is_held:
                await connection.execute(update(durable_runs).where(this).values(cancelled=True))
            elif is_held is not None:
                await self._drop(connection, response, error)
        return not is_held

    async def stop(self, tenant: str, run_id: str) -> bool:
        told = update(durable_runs).where(this_run(tenant, run_id)).values(cancelled=True)
        async with self.database.write(durable=True) as connection:
            return bool((await connection.execute(told)).rowcount)

    async def cancelled(self) -> Sequence[tuple[str, str]]:
        mine = select(_C.tenant_name, _C.run_name).where(_C.process == self._me, _C.cancelled)
        async with self.database.read() as connection:
            rows = await connection.execute(mine)
            return [(decode(tenant), decode(run_id)) for tenant, run_id in rows]

    async def aclose(self) -> None:
        held = update(durable_runs).where(_C.process == self._me).values(process=NOBODY)
        try:
            if self.database.is_announced:
                async with self.database.write() as connection:
                    await connection.execute(held)
        except StorageUnavailable as error:
            log.warning("the runs of this process are found by others when it is dead: %s", error)
        finally:
            await self.database.release()

    @property
    def _me(self) -> str:
        return self.database.process.id

    async def _drop(
        self, connection: AsyncConnection, response: StoredResponse, error: str
    ) -> None:
        await self._responses.update_in(connection, response, response.document["output"])
        status = response.document["status"]
        ended = update(runs).values(status=status, error=plain(error), finished_at=self._now())
        this = runs.c.tenant == key(response.tenant), runs.c.id == key(response.run_id)
        await connection.execute(ended.where(*this, runs.c.finished_at.is_(None)))
        await connection.execute(
            delete(durable_runs).where(this_run(response.tenant, response.run_id))
        )


async def _require_none(
    connection: AsyncConnection, same: ColumnElement[bool], run_id: str
) -> None:
    if (await connection.execute(select(_S.step).where(same))).first() is not None:
        raise LeaseLost(f"run {run_id} was gone on with meanwhile: this step was decided")
