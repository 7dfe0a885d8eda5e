"""Sessions of one server: each tenant has its own, so that what a session holds stays with its user.

What it is: opened when a tenant first calls, closed when nobody has used it for a while, replaced when the
server is gone, has forgotten it, or stays silent after a call that was cut off. Each session lives in a
task of its own, which opens and closes it; calls only borrow it.
What it is not: back-off between attempts to open; the retries and the breaker around every tool are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Protocol

from tools.errors import ToolPaused, ToolTimeout, ToolUnavailable
from tools.spec import JSONObject

IDLE_S = 300.0
MAX_TENANTS = 100
_PROBE_S = 2.0


class SessionExpired(ToolUnavailable):
    """The server does not know the session any more, and did nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has forgotten the session", sent=False)


class Session(Protocol):
    """What is asked here of `tools.mcp.client.Session`."""

    @property
    def over(self) -> asyncio.Event: ...

    async def answers(self, within_s: float) -> bool: ...
    async def call(
        self, name: str, arguments: JSONObject, *, key: str | None, timeout_s: float
    ) -> Any: ...


class _Held:
    """A session of one tenant. `suspect` when a call of it was cut off and may have found it hanging."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self.calls = 0
        self.uses = 0
        self.suspect = False
        self.retired = False
        self.idle = asyncio.Event()

    @property
    def is_over(self) -> bool:
        if not self.opened.done():
            return False
        return (
            self.opened.cancelled()
            or self.opened.exception() is not None
            or self.opened.result().over.is_set()
        )


Start = Callable[[Callable[[], Coroutine[Any, Any, None]]], object]


class Sessions:
    """`open_one` opens a session; `start` runs a task in the background until the gateway ends."""

    def __init__(
        self,
        name: str,
        open_one: Callable[[], AbstractAsyncContextManager[Session]],
        *,
        idle_s: float = IDLE_S,
        max_tenants: int = MAX_TENANTS,
    ) -> None:
        self._name = name
        self._open_one = open_one
        self._idle_s = idle_s
        self._max_tenants = max_tenants
        self._start: Start | None = None
        self._held: dict[str, _Held] = {}

    def start_with(self, start: Start) -> None:
        """From now on sessions can be opened."""
        self._start = start

    def close(self) -> None:
        """Open no more, and let every session end in its own task."""
        self._start = None
        for held in self._held.values():
            held.retired = True
            held.idle.set()
        self._held.clear()

    @asynccontextmanager
    async def borrow(self, tenant: str, wait_s: float) -> AsyncGenerator[Session]:
        """A tenant's session. Raises `ToolUnavailable` with `sent=False` when it isn't open in `wait_s`."""
        held = await self._usable(tenant)
        held.calls += 1
        held.uses += 1
        try:
            session = await self._opened(held, wait_s)
            try:
                yield session
            except (asyncio.CancelledError, ToolTimeout):
                held.suspect = True
                raise
        finally:
            held.calls -= 1
            if held.retired and not held.calls:
                held.idle.set()

    def retire(self, tenant: str, session: Session) -> None:
        """Let no new call into this session; it is closed when those in it have ended."""
        held = self._held.get(tenant)
        if (
            held is not None
            and held.opened.done()
            and not held.is_over
            and (held.opened.result() is session)
        ):
            self._retire(tenant, held)

    def _retire(self, tenant: str, held: _Held) -> None:
        if self._held.get(tenant) is held:
            del self._held[tenant]
        held.retired = True
        if not held.calls:
            held.idle.set()

    async def _usable(self, tenant: str) -> _Held:
        held = self._held.get(tenant)
        if held is not None and held.suspect and not held.is_over:
            held.suspect = False
            if not await held.opened.result().answers(_PROBE_S):
                self._retire(tenant, held)
            held = self._held.get(tenant)
        if held is None or held.is_over:
            return self._begin(tenant)
        self._held[tenant] = self._held.pop(tenant)  # the latest used stands last
        return held

    async def _opened(self, held: _Held, wait_s: float) -> Session:
        try:
            async with asyncio.timeout(wait_s):
                return await asyncio.shield(held.opened)
        except TimeoutError as error:
            raise ToolUnavailable(
                f"{self._name} is not ready; nothing was sent", sent=False
            ) from error

    def _begin(self, tenant: str) -> _Held:
        if self._start is None:
            raise ToolUnavailable(f"{self._name}: the gateway is not running", sent=False)
        self._make_room()
        held = self._held[tenant] = _Held()
        self._start(partial(self._own, tenant, held))
        return held

    def _make_room(self) -> None:
        if len(self._held) < self._max_tenants:
            return
        for tenant, held in self._held.items():
            if not held.calls and held.opened.done():
                self._retire(tenant, held)
                return
        raise ToolPaused(f"{self._name} is used by too many at once")

    async def _own(self, tenant: str, held: _Held) -> None:
        """The life of one session."""
        try:
            async with self._open_one() as session:
                held.opened.set_result(session)
                await self._until_unused(tenant, held, session)
        except ToolUnavailable as error:
            self._fail(held, error)
        finally:
            if self._held.get(tenant) is held:
                del self._held[tenant]
            self._fail(held, ToolUnavailable(f"{self._name} was closed", sent=False))

    def _fail(self, held: _Held, error: ToolUnavailable) -> None:
        if not held.opened.done():
            held.opened.set_exception(error)
            held.opened.exception()  # whoever waits gets it; nobody waiting is no fault

    async def _until_unused(self, tenant: str, held: _Held, session: Session) -> None:
        async with asyncio.TaskGroup() as group:
            ends = [group.create_task(event.wait()) for event in (session.over, held.idle)]
            while True:
                before = held.uses
                done, _ = await asyncio.wait(
                    ends, timeout=self._idle_s, return_when=asyncio.FIRST_COMPLETED
                )
                if not done and not held.calls and held.uses == before:
                    self._retire(tenant, held)
                elif done:
                    break
            for each in ends:
                each.cancel()
