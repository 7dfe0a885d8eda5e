"""The registry and the store in step: what authors register survives a restart and reaches every replica.

What it is: each change is made to the store first, one at a time over all gateways, on what all others
did before, and then to the registry. What others changed is heard of (`gateway.storage.news`) and looked
up. Tools that the configuration names are not its business; where both have a name, the configuration wins.
What it is not: who may register, or the form of a registration (`gateway.api.tools`, `tools.registration`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from types import TracebackType
from typing import Self

from gateway.authoring import documents
from gateway.services import Services
from gateway.storage.errors import StorageError
from gateway.storage.news import ANYTHING, KEYS, TOOLS
from gateway.storage.tools import ToolRow
from tools.errors import NameTaken, RegistrationError
from tools.registration import Registration, build, read_registration
from tools.spec import JSONObject
from tools.toolset import Entry
from tools.versions import History

log = logging.getLogger("gateway.tools")

_AGAIN_S = 1.0


class NotAuthored(Exception):
    """The tool follows something else than what authors register: a file, a package, a server."""


class Authoring:
    """Entered by the application before it serves. Raises `StorageUnavailable`."""

    def __init__(self, services: Services) -> None:
        self._registry = services.registry
        self._store = services.tool_store
        self._news = services.news
        self._access = services.access
        self._http = services.http
        self._allow_private = services.allow_private
        self._turn = asyncio.Lock()
        self._rows: dict[str, ToolRow] = {}
        self._unusable: set[str] = set()
        self._seen = 0
        self._stack = AsyncExitStack()
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.catch_up()
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._following = group.create_task(self._follow(), name="news of other gateways")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._following is not None:
            self._following.cancel()
        await self._stack.__aexit__(kind, error, traceback)

    async def register(self, registration: Registration, *, replace: bool) -> History:
        """Have a tool, or with `replace` its next version.

        Raises `RegistrationError`, `NameTaken`, `NotAuthored`.
        """
        document, name = registration.model_dump(mode="json"), registration.name
        entry = self._compiled(registration)

        def grown() -> History:
            if replace and name in self._registry.snapshot():
                self._authored(name)
            row = self._rows.get(name)
            last = row.document["last"] if row else 0
            return self._registry.grown(entry, document, replace=replace, last=last)

        return await self._change(name, grown)

    async def revise(self, name: str, change: Callable[[History], History]) -> History:
        """Change what is called of a tool's versions.

        Raises `UnknownTool`, `NotAuthored`, and what `change` raises.
        """
        return await self._change(name, lambda: change(self._authored(name)))

    async def remove(self, name: str) -> None:
        """Take a tool away; one that comes from elsewhere is gone here alone. Raises `UnknownTool`."""
        async with self._turn:
            if (row := self._rows.get(name)) is None or not self._is_mine(row):
                self._registry.remove(name)
                return
            async with self._store.changing(self._seen) as change:
                await self._apply(change.missed)
                last = self._rows[name].document["last"]
                gone = await change.keep(name, documents.removed(last), since=row.since)
            await self._apply([gone])

    async def catch_up(self) -> None:
        """Have what other gateways changed."""
        async with self._turn:
            await self._apply(await self._store.after(self._seen))

    async def refresh(self) -> None:
        """Catch up, if the store answers; else what is known has to do."""
        with suppress(StorageError):
            await self.catch_up()

    async def _change(self, name: str, make: Callable[[], History]) -> History:
        async with self._turn:
            async with self._store.changing(self._seen) as change:
                await self._apply(change.missed)
                row = self._rows.get(name)
                there = row is not None and bool(row.document["versions"])
                if name in self._unusable:
                    why = f"{name} is kept, but can't be used here: delete it first"
                    raise NameTaken("$.name", why)
                history = make()
                since = row.since if row is not None and there else None
                changed = await change.keep(name, documents.written(history), since=since)
            self._rows[name], self._seen = changed, changed.revision
            self._registry.put(history)
        return history

    async def _apply(self, rows: Sequence[ToolRow]) -> None:
        for row in rows:
            self._have(row)
            self._rows[row.name] = row
            await asyncio.sleep(0)  # they may be many, and each is compiled
        self._seen = max((self._seen, *(row.revision for row in rows)))

    def _have(self, row: ToolRow) -> None:
        """The registry as this row says. What can't be had is told, and spoils nothing else."""
        name, known = row.name, self._known(row.name)
        if known is not None and not known.authored:
            if row.document["versions"]:
                log.error("tool %s of the store is left out: the configuration has one", name)
            return
        before = self._rows.get(name)
        self._unusable.discard(name)
        if known is not None and (before is None or before.since != row.since):
            self._registry.remove(name)  # it was taken away and came again, behind the others
            known = None
        if not row.document["versions"]:
            if known is not None:
                self._registry.remove(name)
            return
        try:
            self._registry.put(documents.read(name, row.document, known, self._read))
        except RegistrationError as error:
            self._unusable.add(name)
            log.error("tool %s of the store can't be used here: %s", name, error)  # noqa: TRY400 - no traceback for a definition

    def _is_mine(self, row: ToolRow) -> bool:
        known = self._known(row.name)
        return bool(row.document["versions"]) and (known is None or known.authored)

    def _authored(self, name: str) -> History:
        history = self._registry.history(name)
        if not history.authored:
            raise NotAuthored(f"{name} does not come from this API: change it where it comes from")
        return history

    def _known(self, name: str) -> History | None:
        return self._registry.history(name) if name in self._registry.snapshot() else None

    def _read(self, document: JSONObject) -> Entry:
        return self._compiled(read_registration(document))

    def _compiled(self, registration: Registration) -> Entry:
        spec, executor = build(registration, self._http, allow_private=self._allow_private)
        return self._registry.compiled(spec, executor, registration.upstream())

    async def _follow(self) -> None:
        """Hear of changes until this is cancelled."""
        told = ""
        while True:
            try:
                async with aclosing(self._news.topics()) as topics:
                    async for topic in topics:
                        if topic in {TOOLS, ANYTHING}:
                            await self.catch_up()
                        elif topic == KEYS and self._access is not None:
                            self._access.forget_all()
                        told = ""
            except StorageError as error:
                if told != (told := str(error)):
                    log.warning("what other gateways change is not heard of: %s", error)
            except (
                Exception
            ):  # its one reader is this task: without it changes would be missed for good
                log.exception("what another gateway changed could not be had")
            await asyncio.sleep(_AGAIN_S)
