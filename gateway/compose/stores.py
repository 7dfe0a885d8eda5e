"""The stores, and what tells that another gateway changed them."""

from __future__ import annotations

from typing import NamedTuple

from gateway.compose.error import CompositionError
from gateway.settings import StorageSettings
from gateway.storage.accounts import AccountStore
from gateway.storage.audit import AuditStore
from gateway.storage.conversations import ConversationStore
from gateway.storage.durable import DurableRuns
from gateway.storage.errors import StorageRefused
from gateway.storage.files import FileBounds, FileStore
from gateway.storage.keys import KeyStore
from gateway.storage.ledger import Ledger
from gateway.storage.memory_stores import memory_stores
from gateway.storage.news import News
from gateway.storage.responses import ResponseStore
from gateway.storage.retention import Retention
from gateway.storage.runs import RunStore
from gateway.storage.schedules import ScheduleStore
from gateway.storage.suspensions import SuspensionStore
from gateway.storage.tools import ToolStore
from policies.allowance import Allowance

_MEGABYTE = 1024 * 1024


class Stores(NamedTuple):
    """All of them, over one database or in memory."""

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


def build_stores(storage: StorageSettings) -> Stores:
    """The stores; a database is made or upgraded first, and has to be there."""
    retention = Retention(
        max_runs=storage.max_runs,
        max_run_age_s=storage.max_age_s,
        max_responses=storage.max_responses,
        max_conversations=storage.max_conversations,
        max_idle_s=storage.max_idle_s,
        max_bytes=storage.max_megabytes * _MEGABYTE,
        files=FileBounds(of_tenant=storage.max_file_megabytes * _MEGABYTE),
    )
    if storage.url == "memory:":
        return Stores(*memory_stores(retention))
    from gateway.storage.sql.migrate import prepare
    from gateway.storage.sql.stores import open_stores

    try:
        prepare(storage.url)
        return Stores(*open_stores(storage.url, retention))
    except StorageRefused as error:
        raise CompositionError(str(error), error.hint) from error
