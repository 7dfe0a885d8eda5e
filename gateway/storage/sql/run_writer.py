"""Writes runs behind the requests: a row when one begins, the rest when it has ended.

A run that ends within the linger costs one row. The end of a durable one is not written behind, but with its
response. While the database does not answer, what has ended waits
here, within bounds; what has to be dropped then is logged.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.agent import trace
from gateway.agent.run import RunRequest
from gateway.storage.errors import StorageUnavailable
from gateway.storage.runs import Earlier, RunLog
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.database import Database
from gateway.storage.sql.insertion import insert_all
from gateway.storage.sql.schema import runs
from gateway.storage.sql.text import encode, key, plain

log = logging.getLogger("gateway.storage")

_LINGER_S = 0.05
_RETRY_S = 1.0
_FLUSH_S = 10.0
_BATCH = 500
_MOST_CHARACTERS = 8_000_000
"""Of what is written at once: traces may be long."""
_MAX_WAITING = 5000

_Key = tuple[str, str]


class _Row(NamedTuple):
    """What is to be written of one run."""

    key: _Key
    values: dict[str, Any]
    begun: bool
    ended: bool


@dataclass(slots=True)
class _Settling:
    """Somebody who waits until these are written."""

    unwritten: set[_Key]
    done: asyncio.Future[None]


class RunWriter:
    """The live logs of this process, and the task that writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._logs: dict[_Key, RunLog] = {}
        self._waiting: dict[_Key, RunLog] = {}
        self._begun: set[_Key] = set()
        self._under_way: set[_Key] = set()
        self._settling: list[_Settling] = []
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def begin(self, request: RunRequest) -> RunLog:
        """Open a log, to be written soon."""
        opened = RunLog(request, self._ended)
        self._logs[opened.tenant, opened.run_id] = opened
        self._write_soon(opened)
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="run writer")
        return opened

    def reopen(self, request: RunRequest, earlier: Earlier) -> RunLog:
        """Go on with a log whose row is there."""
        opened = RunLog(request, self._ended, earlier)
        where = opened.tenant, opened.run_id
        self._logs[where] = opened
        self._begun.add(where)
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="run writer")
        return opened

    def log(self, tenant: str, run_id: str) -> RunLog | None:
        """The log of a run that is going here, or is not written yet."""
        return self._logs.get((tenant, run_id))

    def logs(self, tenant: str) -> list[RunLog]:
        """All such logs of a tenant."""
        return [each for each in self._logs.values() if each.tenant == tenant]

    @asynccontextmanager
    async def forgetting(self, forgotten: Iterable[_Key]) -> AsyncGenerator[None]:
        """Drops these logs; no batch is under way while the body deletes their rows."""
        async with self._writing:
            for each in forgotten:
                self._drop(each)
            yield

    @asynccontextmanager
    async def ending(self, ended: RunLog) -> AsyncGenerator[AsyncConnection]:
        """The transaction that ends a durable run: what the body writes and the record, or neither."""
        async with self._writing:
            row = await asyncio.to_thread(self._row, ended, ended=True)
            known = {f"_{name}": value for name, value in row.values.items()}
            async with self._database.write(durable=True) as connection:
                yield connection
                if not (await connection.execute(_END, known)).rowcount:
                    await connection.execute(insert(runs).values(row.values))
            self._drop(row.key)

    def abandon(self, tenant: str, run_id: str) -> None:
        """Drop a log whose row is another process's; the row is there all the same, for whoever takes it."""
        where = tenant, run_id
        if where in self._waiting and where not in self._begun:
            self._logs.pop(where, None)
        else:
            self._drop(where)

    async def written(self, tenant: str, run_id: str) -> bool:
        """Write the row of a run that has just begun at once; False for one that does not go on here."""
        where = tenant, run_id
        if where in self._logs and where not in self._begun:
            async with self._writing:
                one = self._logs.get(where)
                if one is not None and where not in self._begun:
                    await self._write([self._row(one, ended=False)])
                    if where in self._begun and one.finished_at is None:
                        self._waiting.pop(where, None)
                        self._tell_settling()
        return where in self._logs

    async def settled(self) -> None:
        """Wait until what has happened so far is written, however much happens meanwhile."""
        unwritten = {*self._waiting, *self._under_way}
        if not unwritten:
            return
        settling = _Settling(unwritten, asyncio.get_running_loop().create_future())
        self._settling.append(settling)
        try:
            await settling.done
        finally:
            self._settling.remove(settling)

    async def aclose(self) -> None:
        """Write what is left, for a bounded time."""
        self._closing.set()
        self._wake.set()
        if self._task is None:
            return
        _, late = await asyncio.wait({self._task}, timeout=_FLUSH_S)
        for task in late:
            task.cancel()
            await asyncio.wait({task})
        if self._waiting:
            log.error("%d runs could not be written before the end", len(self._waiting))
        if not late:
            self._task.result()

    def _ended(self, ended: RunLog) -> None:
        if (ended.tenant, ended.run_id) not in self._logs:
            return  # forgotten meanwhile
        if ended.request.durable:
            return  # it ends with its response, by `ending`
        self._write_soon(ended)
        if len(self._waiting) > _MAX_WAITING:
            over = next(each for each, one in self._waiting.items() if one.finished_at is not None)
            log.error("run %s is dropped: the store has not answered for too long", over[1])
            self._drop(over)

    def _write_soon(self, one: RunLog) -> None:
        self._waiting[one.tenant, one.run_id] = one
        self._wake.set()

    def _drop(self, dropped: _Key) -> None:
        self._logs.pop(dropped, None)
        self._waiting.pop(dropped, None)
        self._begun.discard(dropped)
        self._tell_settling()

    def _tell_settling(self) -> None:
        for one in self._settling:
            one.unwritten &= self._waiting.keys() | self._under_way
            if not one.unwritten and not one.done.done():
                one.done.set_result(None)

    async def _work(self) -> None:
        while self._waiting or not self._closing.is_set():
            await self._wake.wait()
            await self._pause(_LINGER_S)
            self._wake.clear()
            while batch := self._ripe():
                try:
                    await self._write_batch(batch)
                except StorageUnavailable as error:
                    log.warning("%d runs wait to be written: %s", len(self._waiting), error)
                    if self._closing.is_set():
                        return
                    await self._pause(_RETRY_S)
                if len(batch) < _BATCH:
                    break  # what has ended meanwhile lingers, too: else each few runs are a transaction
            if self._waiting:
                self._wake.set()

    def _ripe(self) -> dict[_Key, RunLog]:
        """The next batch. What has just begun waits: most end soon, and are written once and not twice."""
        begun_by = math.inf if self._closing.is_set() else time.time() - _LINGER_S
        ripe = (
            (where, one)
            for where, one in self._waiting.items()
            if one.finished_at is not None or one.created_at <= begun_by
        )
        return dict(islice(ripe, _BATCH))

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when closing."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    async def _write_batch(self, batch: dict[_Key, RunLog]) -> None:
        async with self._writing:
            batch = {each: one for each, one in batch.items() if each in self._waiting}
            if not batch:
                return
            for each in batch:
                del self._waiting[each]
            self._under_way = {*batch}
            # Taken now: what ends while it is written waits for the next batch.
            states = [
                (one, one.finished_at is not None and not one.request.durable)
                for one in batch.values()
            ]
            left = batch
            try:
                # Beside the loop: a long run takes a while to become text.
                rows = await asyncio.to_thread(self._rows, states)
                await self._write(rows)
                left = dict(islice(batch.items(), len(rows), None))
            finally:
                self._under_way = set()
                kept = {each: one for each, one in left.items() if each in self._logs}
                self._waiting = {**kept, **self._waiting}
                self._tell_settling()

    async def _write(self, rows: list[_Row]) -> None:
        """One transaction; if a row is at fault, each on its own, without it."""
        try:
            await self._store(rows)
        except SQLAlchemyError:
            if len(rows) > 1:
                for row in rows:
                    await self._write([row])
                return
            log.exception("run %s can't be written, and is dropped", rows[0].key[1])
            self._drop(rows[0].key)

    async def _store(self, rows: list[_Row]) -> None:
        fresh = [row.values for row in rows if not row.begun]
        # Only where it still is: a run that was deleted stays deleted.
        known = [
            {f"_{name}": value for name, value in row.values.items()} for row in rows if row.begun
        ]
        async with self._database.write() as connection:
            await insert_all(connection, runs, fresh)
            if known:
                await connection.execute(_END, known)
        for row in rows:
            if row.ended:
                self._logs.pop(row.key, None)
                self._begun.discard(row.key)
            elif row.key in self._logs:
                self._begun.add(row.key)

    def _rows(self, states: list[tuple[RunLog, bool]]) -> list[_Row]:
        """The first ones, as many as fit into a transaction, one at least."""
        rows: list[_Row] = []
        size = 0
        for one, ended in states:
            rows.append(self._row(one, ended=ended))
            size += rows[-1].values["size"]
            if size >= _MOST_CHARACTERS:
                break
        return rows

    def _row(self, one: RunLog, *, ended: bool) -> _Row:
        where = one.tenant, one.run_id
        request = encode(trace.request(one.request))
        # As plain tuples: orjson refuses named ones, and the way around it takes twice as long.
        events = encode([tuple(event) for event in one.named_events()]) if ended else None
        values: dict[str, Any] = {
            "tenant": key(one.tenant),
            "id": key(one.run_id),
            "process": self._database.process.id,
            "created_at": one.created_at,
            "role": one.role,
            "size": len(request) + len(events or ""),
            "request": request,
            "finished_at": one.finished_at if ended else None,
            "status": one.status if ended else "running",
            "error": plain(one.error) if ended else None,
            "events": events,
        }
        return _Row(where, values, where in self._begun, ended)


_END = (
    update(runs)
    .where(runs.c.tenant == bindparam("_tenant"), runs.c.id == bindparam("_id"))
    .values(
        {
            name: bindparam(f"_{name}")
            for name in ("finished_at", "status", "error", "events", "size")
        }
    )
)
