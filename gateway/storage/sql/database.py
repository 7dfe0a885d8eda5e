"""One database under all stores: transactions with a deadline, and the one boundary of SQL's errors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress

from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway.storage.errors import StorageUnavailable
from gateway.storage.sql.asynchronous import AsyncConnection, AsyncEngine
from gateway.storage.sql.processes import Process

log = logging.getLogger("gateway.storage")

_DEADLINE_S = 15.0
_OUT_OF_ORDER = ("08", "25", "28", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE that say that the server, not the statement, is at fault."""

Upkeep = Callable[["Database"], Awaitable[None]]


class Database:
    """An engine, shared by the stores that opened it; the last one that closes it shuts it down.

    `upkeep` runs behind the requests from the first transaction on until then.
    """

    def __init__(self, engine: AsyncEngine, process: Process, upkeep: Upkeep | None = None) -> None:
        self.engine = engine
        self.process = process
        self.dialect = engine.dialect.name
        self._writing = engine.execution_options(writes=True)
        self._durable = engine.execution_options(writes=True, durable=True)
        # SQLite has one writer at a time, and lets the others try again and again, in no order, until they
        # give up; here they stand in line.
        self._line = asyncio.Lock() if self.dialect == "sqlite" else nullcontext()
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._upkeep = upkeep
        self._task: asyncio.Task[None] | None = None
        self._users = 0
        self._going = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._closed = False
        self._announced = False
        self._announcing = asyncio.Lock()

    @property
    def is_announced(self) -> bool:
        """Whether this process has written anything."""
        return self._announced

    def hold(self) -> None:
        """One more store uses it."""
        self._users += 1

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that reads. Raises `StorageUnavailable`."""
        async with self._transaction(self.engine) as connection:
            yield connection

    @asynccontextmanager
    async def write(self, *, durable: bool = False) -> AsyncGenerator[AsyncConnection]:
        """A transaction that writes, all or nothing. Raises `StorageUnavailable`.

        Any outlives the process; a `durable` one is on the disk when it ends, whatever fails then.
        """
        await self._announce()
        async with self._transaction(self._durable if durable else self._writing) as connection:
            yield connection

    @asynccontextmanager
    async def statements(self) -> AsyncGenerator[AsyncConnection]:
        """A connection whose statements are each a transaction of their own. Raises `StorageUnavailable`."""
        async with self._transaction(self._single) as connection:
            yield connection

    async def release(self) -> None:
        """One store less; the last one ends the upkeep, waits for what is going, and closes the connections.

        Whoever asks afterwards gets `StorageUnavailable`: what it opened then, nobody would close.
        That this process has ended, the others find by themselves where it can't be written.
        """
        self._users -= 1
        if self._users:
            return
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        try:
            if self._announced:
                async with self._transaction(self._writing) as connection:
                    await self.process.leave(connection)
        except StorageUnavailable as error:
            log.warning("that this gateway has ended can't be written: %s", error)
        finally:
            self._closed = True
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._quiet.wait(), _DEADLINE_S)
            finally:
                await self.engine.dispose()

    async def _announce(self) -> None:
        """Before anything is written in the name of this process.

        Once; and again after it was silent, since others may have taken it for dead. It is on the disk then: after a
        crash that took it, others would go on with what this process does.
        """
        if self._announced and not self.process.was_silent:
            return
        async with self._announcing:
            if not self._announced or self.process.was_silent:
                async with self._transaction(self._durable) as connection:
                    await self.process.announce(connection)
                self._announced = True

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
        if self._closed:
            raise StorageUnavailable("the store is closed: this gateway ends")
        if self._task is None and self._upkeep is not None:
            self._task = asyncio.create_task(_kept_up(self._upkeep, self), name="storage upkeep")
        line = nullcontext() if engine is self.engine else self._line
        self._going += 1
        self._quiet.clear()
        try:
            async with (
                translated(),
                asyncio.timeout(_DEADLINE_S),
                line,
                engine.begin() as connection,
            ):
                yield connection
        finally:
            self._going -= 1
            if not self._going:
                self._quiet.set()


async def _kept_up(upkeep: Upkeep, database: Database) -> None:
    await upkeep(database)


@asynccontextmanager
async def translated() -> AsyncGenerator[None]:
    """Turns what says that the database can't be used now into `StorageUnavailable`."""
    try:
        yield
    except (OperationalError, InterfaceError, DisconnectionError, PoolTimeout) as error:
        raise StorageUnavailable(told(error)) from error
    except (OSError, TimeoutError) as error:
        raise StorageUnavailable(told(error)) from error
    except DBAPIError as error:
        state = str(getattr(error.orig, "sqlstate", None) or "")
        if error.connection_invalidated or state.startswith(_OUT_OF_ORDER):
            raise StorageUnavailable(told(error)) from error
        raise
    except Exception as error:
        # asyncpg's own, of a connection that did not come about
        if str(getattr(error, "sqlstate", None) or "").startswith((*_OUT_OF_ORDER, "3D")):
            raise StorageUnavailable(told(error)) from error
        raise


def told(error: BaseException) -> str:
    """What went wrong, in one line and without the statement."""
    cause = getattr(error, "orig", None) or error
    words = " ".join(str(cause).split())[:200]
    return f"the store does not answer: {words or type(cause).__name__}"
