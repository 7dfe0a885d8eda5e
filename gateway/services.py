"""Everything that the surfaces need, in one frozen value. `gateway.compose` builds it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from gateway.access.audit import AuditLog
from gateway.access.check import KeyCheck
from gateway.agent.events import RunEvent
from gateway.agent.run import Limits, Resumed, RunRequest
from gateway.agent.till import Till
from gateway.agent.writes import Writes
from gateway.context.options import ContextOptions
from gateway.continuation import Continuations
from gateway.live import LiveRuns
from gateway.priorities import Priorities
from gateway.storage.conversations import ConversationStore
from gateway.storage.durable import Bounds, DurableRuns
from gateway.storage.files import FileStore
from gateway.storage.keys import KeyStore
from gateway.storage.memory import MemoryRunStore
from gateway.storage.memory_conversations import MemoryConversationStore
from gateway.storage.memory_files import MemoryFileStore
from gateway.storage.memory_keys import MemoryKeyStore
from gateway.storage.memory_responses import MemoryResponseStore
from gateway.storage.memory_schedules import MemoryScheduleStore
from gateway.storage.memory_suspensions import MemorySuspensionStore
from gateway.storage.memory_tools import MemoryToolStore
from gateway.storage.news import News, NoNews
from gateway.storage.responses import ResponseStore
from gateway.storage.runs import RunStore
from gateway.storage.schedules import ScheduleBounds, ScheduleStore
from gateway.storage.suspensions import SuspensionStore
from gateway.storage.tools import ToolStore
from policies.policy import Policy
from routing.backend import ModelBackend
from tools.executors.http_session import HttpSessions
from tools.registry import Registry

if TYPE_CHECKING:
    from gateway.telemetry.telemetry import Telemetry

_DRAIN_S = 10.0


class Runner(Protocol):
    """What runs requests: `gateway.agent.loop.AgentLoop`."""

    def run(self, request: RunRequest, resumed: Resumed | None = None) -> AsyncGenerator[RunEvent]:
        """Yield what happens until `RunFinished`; closing the generator stops the run."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The application's parts.

    `models` holds `intermediary` and, where one is configured, `expert`. `limits` are the operator's:
    a request may ask for less. `context` holds where a request wishes nothing else. `http` are the
    connections of tools registered over REST, which may reach private addresses only with
    `allow_private`. `files` are what tools brought that is no text. `access` checks the keys that callers show; None: nobody has to show one. `writes`
    runs what changes something and has the ledger of it; `till` knows what budgets have left, `priorities`
    how urgent whose requests may be. `tool_store` keeps what authors register, `news` tell what other
    gateways changed. `durable` keeps runs in the background, which then outlive the process; None where
    nothing does; `queue` says how many go on at a time. `schedules`
    keeps requests that come again, as many and as often as `schedule_bounds` say, and are due by
    `clock`, in seconds since the epoch. At shutdown writes are drained, then `closers` are awaited
    in order, before the models. `background` is entered when the application starts and left after all
    of that.
    """

    loop: Runner
    registry: Registry
    models: Mapping[str, ModelBackend]
    store: RunStore = field(default_factory=MemoryRunStore)
    responses: ResponseStore = field(default_factory=MemoryResponseStore)
    conversations: ConversationStore = field(default_factory=MemoryConversationStore)
    keys: KeyStore = field(default_factory=MemoryKeyStore)
    access: KeyCheck | None = None
    audit: AuditLog = field(default_factory=AuditLog)
    policies: Policy = field(default_factory=Policy)
    continuations: Continuations = field(default_factory=Continuations)
    live: LiveRuns = field(default_factory=LiveRuns)
    writes: Writes = field(default_factory=Writes)
    suspensions: SuspensionStore = field(default_factory=MemorySuspensionStore)
    till: Till = field(default_factory=Till)
    tool_store: ToolStore = field(default_factory=MemoryToolStore)
    news: News = field(default_factory=NoNews)
    priorities: Priorities = field(default_factory=Priorities)
    durable: DurableRuns | None = None
    queue: Bounds = field(default_factory=Bounds)
    schedules: ScheduleStore = field(default_factory=MemoryScheduleStore)
    schedule_bounds: ScheduleBounds = field(default_factory=ScheduleBounds)
    clock: Callable[[], float] = time.time
    limits: Limits = field(default_factory=Limits)
    context: ContextOptions = field(default_factory=ContextOptions)
    http: HttpSessions = field(default_factory=HttpSessions)
    files: FileStore = field(default_factory=MemoryFileStore)
    allow_private: bool = False
    max_body_bytes: int = 4 * 1024 * 1024
    telemetry: Telemetry | None = None
    version: str = ""
    started_at: int = field(default_factory=lambda: int(time.time()))
    closers: tuple[Callable[[], Awaitable[object]], ...] = ()
    background: tuple[AbstractAsyncContextManager[object], ...] = ()

    async def aclose(self) -> None:
        """Close everything that was opened; one failure does not stop the rest.

        Writes and closers go first: they bring begun writes to their end, which needs the connections.
        """
        failures: list[Exception] = []
        models = [backend.aclose for backend in self.models.values()]
        drain = partial(self.writes.drain, _DRAIN_S)
        kept = (
            self.store,
            self.responses,
            self.conversations,
            self.keys,
            self.writes.ledger,
            self.suspensions,
            self.audit,
            self.till.store,
            self.tool_store,
            self.news,
            self.files,
            self.schedules,
            *((self.durable,) if self.durable else ()),
        )
        stores = [store.aclose for store in kept]
        for close in (drain, *self.closers, *models, self.http.aclose, *stores):
            try:
                await close()
            except Exception as error:  # noqa: BLE001 - collected and raised below
                failures.append(error)
        if failures:
            raise ExceptionGroup("closing the gateway's services", failures)
