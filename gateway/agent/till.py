"""Money is set aside before a model is asked, and booked with what the turn cost.

    hold = await till.hold(run, route, turn)     the worst case, of the run's budget and of every account
    async with hold: …ask hold.turn… hold.pay(completion)

However many runs share a budget, they set aside before they spend, so that none is overdrawn. What a
turn cost is known when it ends well. A model that was not reached, or that refused, cost nothing. One that
was cut off, whether by its failure, the deadline or the caller, may have cost all that was set aside, and
nobody can tell: so all of it counts.

The store of the accounts is waited for until the run's deadline. One that does not answer lets nothing be
spent. Booking is brought to its end whoever stops waiting for it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self

from gateway.agent.run import Incomplete
from gateway.agent.shelter import Shelter
from gateway.agent.working import Working
from gateway.agent.worst_case import bounded
from gateway.budgets import Budget, Standing, applying
from gateway.storage.accounts import (
    NANO,
    AccountStore,
    Balance,
    Line,
    NotLeftError,
    nanodollars,
)
from gateway.storage.errors import StorageUnavailable
from gateway.storage.memory_accounts import MemoryAccountStore
from routing.backend import Completion, Turn
from routing.errors import BackendRejected, BackendUnavailable
from routing.router import Route

log = logging.getLogger("gateway.budgets")

_BOOKING_TRIES = 3
_BOOKING_PAUSE_S = 0.5
_NOTHING_TAKEN = (BackendUnavailable, BackendRejected)


class Unpayable(Exception):
    """A turn is not asked for: its worst case is more than what is left, of the run or of an account.

    `retry_after_s` is the time until an account is filled again, None where waiting does not help.
    """

    def __init__(self, code: str, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.incomplete = Incomplete(code, detail)
        self.retry_after_s = retry_after_s


class BudgetMeter(Protocol):
    """Hears of what is taken from budgets, by their names; amounts in US dollars."""

    def held(self, budget: Budget, usd: float, share: float) -> None:
        """So much was set aside; `share` of the account's limit is then taken."""
        ...

    def booked(self, budget: Budget, held_usd: float, spent_usd: float) -> None:
        """What was set aside came to this."""
        ...

    def refused(self, budget: Budget) -> None:
        """An account had not enough left."""
        ...


@dataclass(slots=True)
class Hold:
    """What is set aside for one turn. `turn` is the turn that may be asked for it.

    `heard` is to be set as soon as the model says anything. Amounts of `lines` in nanodollars.
    """

    turn: Turn
    worst_usd: float
    run: Working
    route: Route
    till: Till
    budgets: Sequence[Budget] = ()
    lines: Sequence[Line] = ()
    heard: bool = False
    _paid: float | None = None

    def pay(self, completion: Completion) -> None:
        """What the turn took."""
        self._paid = self.route.member.cost(completion)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._paid is not None:
            spent = self._paid
        elif isinstance(error, _NOTHING_TAKEN) and not self.heard:
            spent = 0.0
        else:
            spent = self.worst_usd
            self.run.unknown_usd += spent
        if self.lines:
            await self.till.book(self, spent)


class Till:
    """Takes from the accounts of `budgets`, the first that is for somebody first. One for an application.

    `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        store: AccountStore | None = None,
        budgets: Sequence[Budget] = (),
        meter: BudgetMeter | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store: AccountStore = store or MemoryAccountStore()
        self._budgets = tuple(budgets)
        self._meter = meter
        self._clock = clock
        self._shelter = Shelter()

    async def drain(self, timeout_s: float) -> None:
        """Bring begun bookings to their end; what is cut stays set aside."""
        if cut := await self._shelter.drain(timeout_s):
            log.warning("%d turns were not booked: what was set aside for them counts", cut)

    async def standing(self, tenant: str, key: str) -> list[Standing]:
        """The budgets that hold for somebody, as they are now. Raises `StorageUnavailable`."""
        now = self._clock()
        budgets = applying(self._budgets, tenant, key)
        lines = [budget.line(tenant, key, now) for budget in budgets]
        balances = await self.store.balances(lines) if lines else ()
        return [Standing(*each) for each in zip(budgets, lines, balances, strict=True)]

    async def hold(
        self, run: Working, route: Route, turn: Turn, kept_back_usd: float = 0.0
    ) -> Hold:
        """Set the worst case of `turn` aside; `kept_back_usd` of the run's budget stay out of it.

        Raises `Unpayable`.
        """
        limit = run.request.limits.max_cost_usd
        request = run.request
        budgets = applying(self._budgets, request.tenant, request.key) if self._budgets else ()
        if limit is None and not budgets:
            return Hold(turn, 0.0, run, route, self)
        left = None if limit is None else limit - run.cost_usd - run.unknown_usd - kept_back_usd
        turn, worst = await bounded(route.member, turn, left)
        if left is not None and worst > left:
            gone = f"${run.cost_usd + run.unknown_usd:.6f} of ${limit:g} are spent"
            raise Unpayable("max_cost", f"{gone}; the next turn may cost ${worst:.6f}, not left.")
        hold = Hold(turn, worst, run, route, self)
        if budgets and worst > 0:
            now = self._clock()
            hold.budgets = budgets
            hold.lines = [budget.line(request.tenant, request.key, now) for budget in budgets]
            await self._take(hold)
        return hold

    async def book(self, hold: Hold, spent_usd: float) -> None:
        """Book what a turn came to, waiting no longer than the run may last."""
        if self._meter:
            for budget in hold.budgets:
                self._meter.booked(budget, hold.worst_usd, spent_usd)
        booking = self._shelter.begin(self._booked(hold, nanodollars(spent_usd)))
        await asyncio.wait({booking}, timeout=max(hold.run.remaining_s(), 0.0))

    async def _take(self, hold: Hold) -> None:
        amount = nanodollars(hold.worst_usd)
        taking = self._shelter.begin(self.store.reserve(hold.lines, amount))
        try:
            async with asyncio.timeout_at(hold.run.deadline):
                balances = await asyncio.shield(taking)
        except NotLeftError as short:
            raise self._unpayable(hold, short) from None
        except (StorageUnavailable, TimeoutError) as error:
            self._give_back_when_taken(taking, hold)
            log.warning(
                "run %s spends nothing: %s",
                hold.run.request.run_id,
                str(error) or "no answer in time",
            )
            raise Unpayable("budget", "What is left of the budget can't be read now.") from error
        except asyncio.CancelledError:
            self._give_back_when_taken(taking, hold)
            raise
        if self._meter:
            for budget, line, balance in zip(hold.budgets, hold.lines, balances, strict=True):
                self._meter.held(budget, hold.worst_usd, balance.taken / max(line.limit, 1))

    def _give_back_when_taken(self, taking: asyncio.Task[Sequence[Balance]], hold: Hold) -> None:
        """Nobody waits for the answer any more; if it is yes, it is not made use of."""

        async def give_back() -> None:
            try:
                await taking
            except (StorageUnavailable, NotLeftError):
                return
            await self._booked(hold, 0)

        self._shelter.begin(give_back())

    def _unpayable(self, hold: Hold, short: NotLeftError) -> Unpayable:
        budget = hold.budgets[hold.lines.index(short.line)]
        if self._meter:
            self._meter.refused(budget)
        ends_at = short.line.ends_at
        taken, held = short.balance.taken / NANO, short.balance.reserved / NANO
        detail = (
            f"The budget {budget.name} has ${max(budget.usd - taken, 0):.6f} of ${budget.usd:g} left"
            f" (${held:.6f} are set aside for turns that run); the next turn may cost"
            f" ${hold.worst_usd:.6f}."
        )
        if math.isfinite(ends_at):
            detail += (
                f" It is filled again at {datetime.fromtimestamp(ends_at, UTC):%Y-%m-%d %H:%M} UTC."
            )
            return Unpayable("budget", detail, max(ends_at - self._clock(), 0.0))
        return Unpayable("budget", detail)

    async def _booked(self, hold: Hold, spent: int) -> None:
        """The money is spent and only the entry is missing, so this is tried more than once."""
        amount = nanodollars(hold.worst_usd)
        for tries_left in reversed(range(_BOOKING_TRIES)):
            try:
                await self.store.settle(hold.lines, amount, spent)
            except StorageUnavailable as error:
                log.warning("a booking has to wait: %s", error)
                if tries_left:
                    await asyncio.sleep(_BOOKING_PAUSE_S)
            else:
                return
        log.error("$%.6f stay set aside: their turn could not be booked", hold.worst_usd)
