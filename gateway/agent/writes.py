"""Calls that change something: written down before, receipted after, never blindly repeated.

    wait for the resource → intent into the ledger → the tool → receipt into the ledger

What it is: the one way to run a call that isn't read-only, for runs and for calls outside of one.
What it is not: the ledger itself (`gateway.storage.ledger`), the settling of what is unknown
(`gateway.agent.read_back` asks the upstream; a person answers through the API).

Writes of the same resource run one after another in this process: that of `ToolSpec.resource`, by
default calls with the same tool and arguments.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson

from gateway.agent import receipts
from gateway.agent.read_back import read_back
from gateway.agent.shelter import Shelter
from gateway.storage.errors import StorageUnavailable
from gateway.storage.ledger import Entry, Intent, Ledger, Place, Receipt, Standing
from gateway.storage.memory_ledger import MemoryLedger
from tools.executor import CallContext
from tools.spec import Failure, ToolResult, ValidCall
from tools.toolset import Toolset

log = logging.getLogger("gateway.effects")

_RECEIPT_TRIES = 3
_RECEIPT_PAUSE_S = 0.5
_READ_BACK_S = 60.0


class Writes:
    """Runs writes. One for an application; `drain` ends its life.

    `tools` are all registered tools as they are now: a read-back need not be offered to the model.
    """

    def __init__(
        self, ledger: Ledger | None = None, tools: Callable[[], Toolset] = Toolset
    ) -> None:
        self.ledger = ledger or MemoryLedger()
        self._tools = tools
        self._shelter = Shelter()
        self._turns: dict[tuple[str, str], tuple[asyncio.Lock, int]] = {}

    async def drain(self, timeout_s: float) -> int:
        """Bring begun writes to their end; gives how many had to be cut."""
        return await self._shelter.drain(timeout_s)

    def begin(self, read: Coroutine[Any, Any, ToolResult]) -> asyncio.Task[ToolResult]:
        """Start a read, which may outlive whoever waits for it."""
        return self._shelter.begin(read)

    async def run(self, call: ValidCall, toolset: Toolset, context: CallContext) -> ToolResult:
        """The call's result, failures too. `context.deadline` bounds the waiting, not the write."""
        if _is_over(context):
            return receipts.not_begun(call, Failure.TIMEOUT, "the run's deadline has passed")
        try:
            async with asyncio.timeout_at(context.deadline):
                return await self._shelter.finish(self._run(call, toolset, context))
        except TimeoutError:
            return receipts.late(call)

    async def settle(self, entry: Entry, context: CallContext | None = None) -> Entry:
        """An unknown entry after its tool's read-back was asked, if it has one that answers."""
        place = entry.intent.place
        if context is None:
            until = asyncio.get_running_loop().time() + _READ_BACK_S
            context = CallContext(place.run_id, place.tenant, deadline=until)
        found = await read_back(entry, self._tools(), context)
        if found is None:
            return entry
        closed = await self.ledger.close(place, found, ("unknown",))
        return closed or await self.ledger.get(place) or entry

    async def _run(self, call: ValidCall, toolset: Toolset, context: CallContext) -> ToolResult:
        async with self._turn(call, context.tenant):
            if _is_over(context):
                return receipts.not_begun(call, Failure.TIMEOUT, "the run's deadline has passed")
            place = Place(context.tenant, context.run_id, f"{context.step}.{call.id}")
            intent = Intent(place, call.name, call.arguments, context.idempotency_key)
            try:
                way = await self.ledger.begin(intent)
                if isinstance(way, Standing):
                    entry = way.entry
                    if entry.state == "unknown":
                        entry = await self.settle(entry, context)
                    if entry.state != "not_done":
                        return receipts.of_entry(call, entry)
                    way = await self.ledger.begin(intent)
                    if isinstance(way, Standing):
                        return receipts.of_entry(call, way.entry)
            except StorageUnavailable as error:
                log.warning(
                    "a call of %s is not begun (run %s): %s", call.name, place.run_id, error
                )
                why = "it can't be recorded now; it may be called again later"
                return receipts.not_begun(call, Failure.UNAVAILABLE, why)
            result = await toolset.execute(call, replace(context, idempotency_key=way.key))
            return await self._receipted(call, replace(intent, key=way.key), result, context)

    async def _receipted(
        self, call: ValidCall, intent: Intent, result: ToolResult, context: CallContext
    ) -> ToolResult:
        receipt = receipts.of_result(result)
        try:
            entry = await self._close(intent.place, receipt)
            if entry is not None and entry.state == "unknown" and call.tool.read_back is not None:
                entry = await self.settle(entry, context)
                if entry.state != "unknown":
                    return receipts.of_entry(call, entry)
        except StorageUnavailable:
            log.exception(
                "no receipt for %s (run %s, effect %s): a person will be asked",
                call.name,
                intent.place.run_id,
                intent.place.id,
            )
        return result

    async def _close(self, place: Place, receipt: Receipt) -> Entry | None:
        """The effect is there and only the receipt is missing, so this is tried more than once."""
        for _ in range(_RECEIPT_TRIES - 1):
            try:
                return await self.ledger.close(place, receipt)
            except StorageUnavailable as error:
                log.warning("the receipt of effect %s has to wait: %s", place.id, error)
                await asyncio.sleep(_RECEIPT_PAUSE_S)
        return await self.ledger.close(place, receipt)

    @asynccontextmanager
    async def _turn(self, call: ValidCall, tenant: str) -> AsyncGenerator[None]:
        """Wait until no other write of this resource runs here."""
        name = tenant, _resource(call)
        lock, users = self._turns.get(name, (asyncio.Lock(), 0))
        self._turns[name] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._turns[name]
            if users == 1:
                del self._turns[name]
            else:
                self._turns[name] = lock, users - 1


def _resource(call: ValidCall) -> str:
    if call.tool.resource is None:
        return f"{call.name} {call.arguments_json()}"
    text = call.tool.resource
    for name, value in call.arguments.items():
        shown = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        text = text.replace(f"{{{name}}}", shown)
    return text


def _is_over(context: CallContext) -> bool:
    now = asyncio.get_running_loop().time()
    return context.deadline is not None and context.deadline <= now
