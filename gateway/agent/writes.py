"""Calls that change something: written down before, receipted after, never blindly repeated.

    wait for the resource → intent into the ledger → the tool → receipt into the ledger

What it is: the one way to run a call that isn't read-only, for runs and for calls outside of one.
What it is not: the ledger itself (`gateway.storage.ledger`), the settling of what is unknown
(`gateway.agent.read_back` asks the upstream; a person answers through the API).

Writes of the same resource run one after another: that of `ToolSpec.resource`, by default calls with
the same tool and arguments. In this process they queue (`gateway.agent.turns`); what another gateway over
the same store has begun is waited for by asking the ledger again. Who stops waiting before the intent is
written down gives its turn up, and nothing is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from gateway.agent import receipts
from gateway.agent.read_back import read_back
from gateway.agent.shelter import Shelter
from gateway.agent.turns import Turn, Turns
from gateway.storage.errors import StorageUnavailable
from gateway.storage.ledger import (
    OPEN,
    Begun,
    Busy,
    Entry,
    EntryState,
    Intent,
    Ledger,
    Place,
    Receipt,
    Standing,
)
from gateway.storage.memory_ledger import MemoryLedger
from tools.executor import CallContext
from tools.spec import Failure, ToolResult, ValidCall
from tools.toolset import Toolset

log = logging.getLogger("gateway.effects")

_RECEIPT_TRIES = 3
_RECEIPT_PAUSE_S = 0.5
_FIRST_WITHDRAWAL_S, _LONGEST_WITHDRAWAL_S = 0.5, 5.0
_READ_BACK_S = 60.0
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.02, 0.5
"""Between two questions whether another gateway still holds a resource; each waits twice as long."""
_OVER = "the run's deadline has passed"
_HELD = "another call that changes the same was still under way at the run's deadline"


class Writes:
    """Runs writes. One for an application; `drain` ends its life.

    `tools` are all registered tools as they are now: a read-back need not be offered to the model.
    """

    def __init__(
        self,
        ledger: Ledger | None = None,
        tools: Callable[[], Toolset] = Toolset,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.ledger = ledger or MemoryLedger()
        self._tools = tools
        self._shelter = Shelter()
        self._turns = Turns()
        self._sleep = sleep

    async def drain(self, timeout_s: float) -> int:
        """Bring begun writes to their end; gives how many had to be cut."""
        return await self._shelter.drain(timeout_s)

    def begin(self, read: Coroutine[Any, Any, ToolResult]) -> asyncio.Task[ToolResult]:
        """Start a read, which may outlive whoever waits for it."""
        return self._shelter.begin(read)

    async def run(
        self, call: ValidCall, toolset: Toolset, context: CallContext, *, durable: bool = False
    ) -> ToolResult:
        """The call's result, failures too. `context.deadline` bounds the waiting, not the write.

        A `durable` run can wait for the ledger: where an intent can't be written down now, it raises
        `StorageUnavailable`, or `LeaseLost`; and a receipt is tried until it stands. Such an intent, which may
        have been written down unheard, is withdrawn before another write of its resource begins.
        """
        if _is_over(context):
            return receipts.not_begun(call, Failure.TIMEOUT, _OVER)
        if context.dry.covers(call.tool) and not await self._was_begun(call, context):
            return await toolset.execute(call, context)  # no effect that could be written down
        try:
            turn = await self._turns.take(call, context.tenant, context.deadline)
        except TimeoutError:
            return receipts.not_begun(call, Failure.TIMEOUT, _HELD)
        work = self._shelter.begin(self._run(call, toolset, context, turn, durable=durable))

        def over(done: asyncio.Task[ToolResult]) -> None:
            if turn.withdrawal is None:
                self._turns.release(context.tenant, turn)
            else:
                turn.withdrawal.add_done_callback(
                    lambda _: self._turns.release(context.tenant, turn)
                )
            if not done.cancelled() and (error := done.exception()) and not turn.wanted:
                log.warning("a call of %s, that nobody waits for: %s", call.name, error)

        work.add_done_callback(over)
        try:
            async with asyncio.timeout_at(context.deadline):
                return await asyncio.shield(work)
        except TimeoutError:
            if turn.asked:
                return receipts.late(call)
            return receipts.not_begun(call, Failure.TIMEOUT, _HELD)
        finally:
            turn.wanted = False

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

    async def _run(
        self,
        call: ValidCall,
        toolset: Toolset,
        context: CallContext,
        turn: Turn,
        *,
        durable: bool,
    ) -> ToolResult:
        place = _place(call, context)
        key, resource = context.idempotency_key, turn.resource
        intent = Intent(place, call.name, call.arguments, key, resource)
        try:
            way = await self._begun(intent, context, turn)
            if isinstance(way, Standing):
                entry = way.entry
                if entry.state == "unknown":
                    entry = await self.settle(entry, context)
                if entry.state != "not_done":
                    return receipts.of_entry(call, entry)
                way = await self._begun(intent, context, turn)
                if isinstance(way, Standing):
                    return receipts.of_entry(call, way.entry)
        except StorageUnavailable as error:
            turn.withdrawal = self._shelter.begin(self._withdrawn(place))
            if durable:
                raise
            log.warning("a call of %s is not begun (run %s): %s", call.name, place.run_id, error)
            why = "it can't be recorded now; it may be called again later"
            return receipts.not_begun(call, Failure.UNAVAILABLE, why)
        if way is None:
            return receipts.not_begun(call, Failure.TIMEOUT, _HELD)
        result = await toolset.execute(call, replace(context, idempotency_key=way.key))
        tries = None if durable else _RECEIPT_TRIES
        return await self._receipted(call, replace(intent, key=way.key), result, context, tries)

    async def _was_begun(self, call: ValidCall, context: CallContext) -> bool:
        """Whether the ledger has this very call: made before the operator wished for no more of them."""
        try:
            return await self.ledger.get(_place(call, context)) is not None
        except StorageUnavailable:
            return False

    async def _begun(
        self, intent: Intent, context: CallContext, turn: Turn
    ) -> Begun | Standing | None:
        """The ledger's word, when no other gateway holds the resource; None: nobody waits any more."""
        wait_s = _FIRST_LOOK_S
        while turn.wanted and not _is_over(context):
            turn.asked = True
            way = await self.ledger.begin(intent)
            if not isinstance(way, Busy):
                return way
            turn.asked = False
            await self._sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_LOOK_S)
        return None

    async def _withdrawn(self, place: Place) -> None:
        """Until it is: an intent that stands unheard would keep others waiting for a call that nobody makes."""
        pause_s = _FIRST_WITHDRAWAL_S
        while True:
            try:
                return await self.ledger.withdraw(place)
            except StorageUnavailable:
                await self._sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_WITHDRAWAL_S)

    async def _receipted(
        self,
        call: ValidCall,
        intent: Intent,
        result: ToolResult,
        context: CallContext,
        tries: int | None,
    ) -> ToolResult:
        receipt = receipts.of_result(result)
        try:
            entry = await self._close(intent.place, receipt, tries)
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

    async def _close(self, place: Place, receipt: Receipt, tries: int | None) -> Entry | None:
        """The effect is there and only the receipt is missing, so this is tried more than once.

        Without a number of `tries`, until it stands or the process ends. That it does not know either says nothing
        new to who has found it `unknown` meanwhile.
        """
        only: Sequence[EntryState] = ("begun",) if receipt.state == "unknown" else OPEN
        for tried in count(1):
            try:
                return await self.ledger.close(place, receipt, only)
            except StorageUnavailable as error:
                if tried == tries:
                    raise
                log.warning("the receipt of effect %s has to wait: %s", place.id, error)
                await asyncio.sleep(_RECEIPT_PAUSE_S)
        return None


def _place(call: ValidCall, context: CallContext) -> Place:
    return Place(context.tenant, context.run_id, f"{context.step}.{call.id}")


def _is_over(context: CallContext) -> bool:
    now = asyncio.get_running_loop().time()
    return context.deadline is not None and context.deadline <= now
