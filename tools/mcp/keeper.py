"""Keeps the registry in step with one server.

What it is: a session for listing alone, which belongs to no user. What the server lists is judged by the
pins; what is approved is registered, what is held or gone is taken away. It lists again when the server
says that something changed, when somebody approved something, and every few minutes. When the server is
gone, its tools stay and say so when they are called, and it is sought with growing waits.
What it is not: calling. A server that is broken hurts no other, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol

from tools.errors import RegistrationError, ToolUnavailable
from tools.executors.mcp import McpExecutor
from tools.mcp.definition import Definition, spec_of, wanted
from tools.mcp.pins import Pins, PinsError, Verdict
from tools.mcp.sessions import Sessions
from tools.mcp.source import Source
from tools.naming import distinct_name
from tools.near import normalised
from tools.overrides import Override
from tools.registry import Registry
from tools.spec import ToolSpec
from tools.wrappers import Upstream

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
LIST_AGAIN_S = 300.0
_LOOK_S = 2.0
"""How often the file of pins is looked at, and the least time between two listings."""
_log = logging.getLogger(__name__)


class Lister(Protocol):
    """What is asked here of `tools.mcp.client.Session`."""

    @property
    def over(self) -> asyncio.Event: ...

    async def definitions(self) -> list[Definition]: ...
    async def listen(self) -> None: ...


class Keeper:
    """One server's tools in a registry; `run` goes on until it is cancelled.

    `changed` is set by any session of the server, also those of users, when it says that its list is
    another.
    """

    def __init__(
        self,
        source: Source,
        registry: Registry,
        pins: Pins,
        *,
        sessions: Sessions,
        upstream: Upstream,
        open_one: Callable[[], AbstractAsyncContextManager[Lister]],
        changed: asyncio.Event,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        look_s: float = _LOOK_S,
    ) -> None:
        self._source = source
        self._registry = registry
        self._pins = pins
        self._sessions = sessions
        self._upstream = upstream
        self._own = {
            name: upstream.for_one(f"{source.prefix}{name}", each.bounds)
            for name, each in source.overrides.items()
        }
        self._open_one = open_one
        self._changed = changed
        self._sleep = sleep
        self._look_s = look_s
        self._mine: dict[str, tuple[str, str]] = {}
        self._refused: set[str] = set()

    def restore(self) -> None:
        """Register what was approved before, without asking the server."""
        approved = [pin.approved for pin in self._pins.of(self._source.name) if pin.held is None]
        self._register([each for each in approved if each is not None])

    async def run(self) -> None:
        """Seek the server, follow it, and begin again when it is lost."""
        wait, told = FIRST_WAIT_S, ""
        while True:
            try:
                async with self._open_one() as lister:
                    await self._follow(lister)
                wait, reason = FIRST_WAIT_S, "is gone"
            except (ToolUnavailable, PinsError) as error:
                reason = str(error)
            except Exception:  # noqa: BLE001 - logged; a fault here must not end other servers
                _log.exception("tools.mcp: %s: following it failed", self._source.name)
                reason = "following it failed"
            if reason != told:
                _log.warning("tools.mcp: %s: %s; sought again", self._source.name, reason)
                told = reason
            await self._sleep(wait * (1 + random.random()))  # noqa: S311 - no secret
            wait = min(wait * 2, LONGEST_WAIT_S)

    async def _follow(self, lister: Lister) -> None:
        """Until the server is gone."""
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(lister.listen()), group.create_task(lister.over.wait())]
            over = helpers[1]
            listed_at = self._now()
            self.apply(await lister.definitions())
            while not over.done():
                await asyncio.wait([over], timeout=self._look_s)
                is_old = self._now() - listed_at > LIST_AGAIN_S
                if not over.done() and (self._changed.is_set() or self._pins.refresh() or is_old):
                    self._changed.clear()
                    listed_at = self._now()
                    self.apply(await lister.definitions())
            for each in helpers:
                each.cancel()

    def apply(self, found: Sequence[Definition]) -> None:
        """Make the registry hold exactly those of `found` that are wanted and approved."""
        listed = [each for each in found if wanted(each, self._source)]
        verdicts = self._pins.judge(self._source.name, listed, hold_new=self._source.hold_new)
        approved = [each for each in listed if verdicts[each.name] is Verdict.APPROVED]
        for each in listed:
            if verdicts[each.name] is Verdict.HELD and f"held {each.digest}" not in self._refused:
                self._refused.add(f"held {each.digest}")
                _log.warning(
                    "tools.mcp: %s: %s is not what was approved and is held: gateway tools approve %s %s",
                    *(self._source.name, each.name) * 2,
                )
        self._register(approved)
        kept = {each.name for each in approved}
        for name in [name for name, (remote, _) in self._mine.items() if remote not in kept]:
            self._remove(name)

    def _register(self, approved: Sequence[Definition]) -> None:
        taken: set[str] = set()
        for each in approved:
            try:
                spec = spec_of(each, self._source)
            except RegistrationError as error:
                self._refuse(each, error)
                continue
            name = spec.name
            if normalised(name) in taken:
                name = distinct_name(name, each.name)
            taken.add(normalised(name))
            if self._mine.get(name) == (each.name, each.digest):
                continue
            self._put(replace(spec, name=name), each)

    def _put(self, spec: ToolSpec, definition: Definition) -> None:
        executor = McpExecutor(self._sessions, definition.name, self._source.secrets)
        override = self._source.overrides.get(definition.name, Override())

        def register(one: ToolSpec) -> None:
            self._registry.register(
                one,
                executor,
                replace=one.name in self._mine,
                upstream=self._own.get(definition.name, self._upstream),
                standing=override.standing,
            )

        try:
            try:
                register(spec)
            except RegistrationError as error:
                if not error.where.startswith("$.returns"):
                    raise
                register(replace(spec, returns=None))
        except RegistrationError as error:
            self._refuse(definition, error)
        else:
            self._mine[spec.name] = (definition.name, definition.digest)

    def _refuse(self, definition: Definition, error: RegistrationError) -> None:
        """Tell it once, and have the tool no more."""
        if definition.digest not in self._refused:
            self._refused.add(definition.digest)
            _log.warning(
                "tools.mcp: %s: %s is no tool: %s", self._source.name, definition.name, error
            )
        for name in [name for name, (remote, _) in self._mine.items() if remote == definition.name]:
            self._remove(name)

    def _remove(self, name: str) -> None:
        del self._mine[name]
        self._registry.remove(name)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
