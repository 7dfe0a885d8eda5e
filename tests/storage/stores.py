"""The stores under test, with a clock that a test sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mistral_common.protocol.instruct.messages import UserMessage
from sqlalchemy import text

from gateway.agent.run import RunRequest
from gateway.storage import memory_stores as memory
from gateway.storage.accounts import AccountStore
from gateway.storage.audit import AuditStore
from gateway.storage.conversations import ConversationStore
from gateway.storage.durable import DurableRuns
from gateway.storage.files import FileStore
from gateway.storage.keys import KeyStore
from gateway.storage.ledger import Ledger
from gateway.storage.news import News
from gateway.storage.responses import ResponseStore
from gateway.storage.retention import Retention
from gateway.storage.runs import RunStore
from gateway.storage.schedules import ScheduleStore
from gateway.storage.sql.database import Database
from gateway.storage.sql.opening import engine_of
from gateway.storage.sql.processes import RENEWAL_S, Process
from gateway.storage.sql.schema import metadata
from gateway.storage.sql.stores import stores_over
from gateway.storage.suspensions import SuspensionStore
from gateway.storage.tools import ToolStore
from policies.allowance import Allowance


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Kept:
    """The stores of a test; `database` where they are in SQL."""

    runs: RunStore
    responses: ResponseStore
    conversations: ConversationStore
    keys: KeyStore
    ledger: Ledger
    suspensions: SuspensionStore
    audit: AuditStore
    accounts: AccountStore
    tools: ToolStore
    news: News
    rates: Allowance
    files: FileStore
    schedules: ScheduleStore
    durable: DurableRuns | None = None
    database: Database | None = None
    clock: Clock = field(default_factory=Clock)

    async def aclose(self, *, but: Sequence[object] = ()) -> None:
        """Close all of them, except those of `but`, which somebody else closes."""
        for store in vars(self).values():
            if hasattr(store, "aclose") and not any(store is other for other in but):
                await store.aclose()

    async def tables(self) -> dict[str, int]:
        """How many rows each table has."""
        assert self.database is not None
        return await rows_of(self.database)


async def bury(kept: Kept) -> None:
    """What a gateway does every few seconds: it renews what says that it lives, and looks who does not."""
    assert kept.database is not None
    async with kept.database.write() as connection:
        await kept.database.process.bury(connection)


async def outlived(times: Clock, *watching: Kept) -> None:
    """Time passes until these have seen, all the while, that the others are silent."""
    for _ in range(6):
        times.now += RENEWAL_S
        for kept in watching:
            await bury(kept)


async def rows_of(database: Database) -> dict[str, int]:
    async with database.read() as connection:
        return {
            name: (await connection.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one()
            for name in metadata.tables
        }


def asked(tenant: str = "a", content: str = "Go.") -> RunRequest:
    return RunRequest(messages=(UserMessage(content=content),), tenant=tenant)


def item(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "message", **more}


def sql_stores(url: str, **process: Any) -> Kept:
    """Stores over a prepared database, without upkeep: a test does that itself."""
    clock = Clock()
    database = Database(engine_of(url), Process(**process))
    stores = stores_over(database, clock)
    return Kept(*stores, database, clock)


def memory_stores() -> Kept:
    clock = Clock()
    return Kept(*memory.memory_stores(Retention(), clock), clock=clock)
