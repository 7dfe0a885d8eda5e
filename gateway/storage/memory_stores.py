"""All stores in the process's own memory, as they belong together: the twin of `sql.stores`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from gateway.storage.memory import MemoryRunStore
from gateway.storage.memory_accounts import MemoryAccountStore
from gateway.storage.memory_audit import MemoryAuditStore
from gateway.storage.memory_conversations import MemoryConversationStore
from gateway.storage.memory_files import MemoryFileStore
from gateway.storage.memory_keys import MemoryKeyStore
from gateway.storage.memory_ledger import MemoryLedger
from gateway.storage.memory_responses import MemoryResponseStore
from gateway.storage.memory_schedules import MemoryScheduleStore
from gateway.storage.memory_suspensions import MemorySuspensionStore
from gateway.storage.memory_tools import MemoryToolStore
from gateway.storage.news import NoNews
from gateway.storage.retention import Retention
from policies.allowance import LocalAllowance


class MemoryStores(NamedTuple):
    """Each is closed by itself."""

    runs: MemoryRunStore
    responses: MemoryResponseStore
    conversations: MemoryConversationStore
    keys: MemoryKeyStore
    ledger: MemoryLedger
    suspensions: MemorySuspensionStore
    audit: MemoryAuditStore
    accounts: MemoryAccountStore
    tools: MemoryToolStore
    news: NoNews
    rates: LocalAllowance
    files: MemoryFileStore
    schedules: MemoryScheduleStore


def memory_stores(retention: Retention, now: Callable[[], float] = time.time) -> MemoryStores:
    """The stores; a response that is deleted takes its run, and a conversation its responses."""

    def dropped(tenant: str, run_id: str) -> None:
        files.forget(tenant, run_id)

    runs = MemoryRunStore(
        max_runs=retention.max_runs,
        max_age_s=retention.max_run_age_s,
        max_characters=retention.max_bytes,
        dropped=dropped,
    )
    files = MemoryFileStore(retention.files, runs.knows)
    ledger, suspensions = MemoryLedger(now=now), MemorySuspensionStore(now=now)

    def forget_run(tenant: str, run_id: str) -> None:
        for store in (runs, ledger, suspensions, files):
            store.forget(tenant, run_id)

    responses = MemoryResponseStore(
        max_responses=retention.max_responses,
        max_idle_s=retention.max_idle_s,
        max_characters=retention.max_bytes,
        now=now,
        forget_run=forget_run,
    )
    conversations = MemoryConversationStore(
        max_conversations=retention.max_conversations,
        max_idle_s=retention.max_idle_s,
        max_characters=retention.max_bytes,
        now=now,
        forget_responses=responses.delete_of_conversation,
    )
    kept = runs, responses, conversations, MemoryKeyStore(), ledger, suspensions
    shared = MemoryAuditStore(), MemoryAccountStore(now), MemoryToolStore(), NoNews()
    return MemoryStores(*kept, *shared, LocalAllowance(), files, MemoryScheduleStore())
