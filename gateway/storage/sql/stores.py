"""All stores over one database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from gateway.storage.files import FileBounds
from gateway.storage.rates import SharedAllowance
from gateway.storage.retention import Retention
from gateway.storage.sql.accounts import SqlAccountStore
from gateway.storage.sql.audit import SqlAuditStore
from gateway.storage.sql.conversations import SqlConversationStore
from gateway.storage.sql.database import Database
from gateway.storage.sql.durable import SqlDurableRuns
from gateway.storage.sql.files import SqlFileStore
from gateway.storage.sql.keys import SqlKeyStore
from gateway.storage.sql.ledger import SqlLedger
from gateway.storage.sql.news import SqlNews
from gateway.storage.sql.opening import engine_of
from gateway.storage.sql.processes import Process
from gateway.storage.sql.rates import SqlBuckets
from gateway.storage.sql.responses import SqlResponseStore
from gateway.storage.sql.runs import SqlRunStore
from gateway.storage.sql.schedules import SqlScheduleStore
from gateway.storage.sql.suspensions import SqlSuspensionStore
from gateway.storage.sql.tools import SqlToolStore
from gateway.storage.sql.upkeep import upkeep


class SqlStores(NamedTuple):
    """Each is closed by itself; the last one closes the database."""

    runs: SqlRunStore
    responses: SqlResponseStore
    conversations: SqlConversationStore
    keys: SqlKeyStore
    ledger: SqlLedger
    suspensions: SqlSuspensionStore
    audit: SqlAuditStore
    accounts: SqlAccountStore
    tools: SqlToolStore
    news: SqlNews
    rates: SharedAllowance
    files: SqlFileStore
    schedules: SqlScheduleStore
    durable: SqlDurableRuns


def open_stores(url: str, retention: Retention) -> SqlStores:
    """The stores over a prepared database (`migrate.prepare`); connected when first used.

    Raises `StorageRefused`.
    """
    database = Database(engine_of(url), Process(), upkeep(retention))
    return stores_over(database, bounds=retention.files)


def stores_over(
    database: Database,
    now: Callable[[], float] = time.time,
    bounds: FileBounds | None = None,
) -> SqlStores:
    """The stores over one database; `bounds` are those of files."""
    runs = SqlRunStore(database)
    responses = SqlResponseStore(database, runs, now)
    conversations = SqlConversationStore(database, responses, now)
    keys, ledger = SqlKeyStore(database), SqlLedger(database, now)
    waiting, log = SqlSuspensionStore(database, runs, now), SqlAuditStore(database)
    kept = runs, responses, conversations, keys, ledger, waiting, log
    shared = SqlAccountStore(database), SqlToolStore(database), SqlNews(database)
    files = SqlFileStore(database, runs, bounds or FileBounds(), now)
    schedules = SqlScheduleStore(database)
    durable = SqlDurableRuns(database, runs, responses, conversations, schedules, now=now)
    return SqlStores(
        *kept, *shared, SharedAllowance(SqlBuckets(database)), files, schedules, durable
    )
