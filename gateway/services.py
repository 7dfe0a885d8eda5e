"""Everything that the surfaces need, in one frozen value. `gateway.compose` builds it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.agent.events import RunEvent
from gateway.agent.run import Limits, RunRequest
from gateway.continuation import Continuations
from gateway.live import LiveRuns
from gateway.storage.memory import MemoryRunStore
from gateway.storage.runs import RunStore
from policies.policy import Policy
from routing.backend import ModelBackend
from tools.executors.http_session import HttpSessions
from tools.registry import Registry


class Runner(Protocol):
    """What runs requests: `gateway.agent.loop.AgentLoop`."""

    def run(self, request: RunRequest) -> AsyncGenerator[RunEvent]:
        """Yield what happens until `RunFinished`; closing the generator stops the run."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The application's parts.

    `models` holds `intermediary` and, where one is configured, `expert`. `limits` are the operator's:
    a request may ask for less. `http` are the connections of tools registered over REST, which may
    reach private addresses only with `allow_private`. `closers` are awaited in order at shutdown,
    before the models.
    """

    loop: Runner
    registry: Registry
    models: Mapping[str, ModelBackend]
    store: RunStore = field(default_factory=MemoryRunStore)
    policies: Policy = field(default_factory=Policy)
    continuations: Continuations = field(default_factory=Continuations)
    live: LiveRuns = field(default_factory=LiveRuns)
    limits: Limits = field(default_factory=Limits)
    http: HttpSessions = field(default_factory=HttpSessions)
    allow_private: bool = False
    max_body_bytes: int = 4 * 1024 * 1024
    version: str = ""
    started_at: int = field(default_factory=lambda: int(time.time()))
    closers: tuple[Callable[[], Awaitable[object]], ...] = ()

    async def aclose(self) -> None:
        """Close everything that was opened; one failure does not stop the rest.

        The closers go first: they bring begun writes to their end, which needs the connections.
        """
        failures: list[Exception] = []
        models = [backend.aclose for backend in self.models.values()]
        for close in (*self.closers, *models, self.http.aclose, self.store.aclose):
            try:
                await close()
            except Exception as error:  # noqa: BLE001 - collected and raised below
                failures.append(error)
        if failures:
            raise ExceptionGroup("closing the gateway's services", failures)
