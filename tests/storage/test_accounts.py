"""Budgets: however many spend at once, no account is overdrawn, and what was set aside comes back."""

from __future__ import annotations

import asyncio
import math
from itertools import repeat

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import RunFinished
from gateway.agent.loop import AgentLoop
from gateway.agent.run import RunRequest
from gateway.agent.till import Till, Unpayable
from gateway.budgets import Budget, applying
from gateway.storage.accounts import NANO, Balance, Line, NotLeftError, nanodollars
from gateway.storage.retention import Retention
from gateway.storage.sql.upkeep import sweep
from routing.backend import Usage
from routing.backends.scripted import Say, ScriptedBackend
from routing.router import Member, Price, Router
from tests.storage.stores import Kept, rows_of
from tools.registry import Registry

A = Line("tenant\0a", "2026-11", 100, math.inf)
ALL = Line("all", "2026-11", 150, math.inf)
SAID = Usage(prompt_tokens=40, completion_tokens=120)
PRICE = Price(2.0, 6.0)


async def test_what_is_set_aside_is_booked_with_what_it_came_to(kept: Kept) -> None:
    assert await kept.accounts.reserve([A, ALL], 60) == [Balance(0, 60), Balance(0, 60)]
    await kept.accounts.settle([A, ALL], 60, 25)
    assert await kept.accounts.balances([A, ALL]) == [Balance(25, 0), Balance(25, 0)]


async def test_an_amount_is_taken_from_every_account_or_from_none(kept: Kept) -> None:
    other = Line("tenant\0b", "2026-11", 1000, math.inf)
    await kept.accounts.reserve([A, ALL], 100)
    with pytest.raises(NotLeftError) as short:
        await kept.accounts.reserve([other, ALL], 51)
    assert (short.value.line, short.value.balance) == (ALL, Balance(0, 100))
    assert await kept.accounts.balances([other]) == [Balance()]
    await kept.accounts.reserve([other, ALL], 50)
    with pytest.raises(NotLeftError):
        await kept.accounts.reserve([A], 1)


async def test_more_than_the_limit_is_refused_where_nothing_was_taken_yet(kept: Kept) -> None:
    with pytest.raises(NotLeftError):
        await kept.accounts.reserve([A], 101)
    assert await kept.accounts.balances([A]) == [Balance()]


async def test_what_cost_more_than_was_set_aside_is_booked_all_the_same(kept: Kept) -> None:
    await kept.accounts.reserve([A], 90)
    await kept.accounts.settle([A], 90, 120)
    assert await kept.accounts.balances([A]) == [Balance(120, 0)]


async def test_past_periods_are_forgotten_with_the_runs_of_their_time(sql: Kept) -> None:
    past, now = Line("all", "2026-10", 10, 1000.0), Line("all", "2026-11", 10, math.inf)
    await sql.accounts.reserve([past], 1)
    await sql.accounts.reserve([now], 1)
    assert sql.database is not None
    await sweep(sql.database, Retention(max_run_age_s=60.0), lambda: 1061.0)
    assert (await rows_of(sql.database))["accounts"] == 1
    assert await sql.accounts.balances([now]) == [Balance(0, 1)]


def test_money_is_reckoned_in_whole_nanodollars_rounded_up() -> None:
    assert nanodollars(0.1 + 0.2) == 300_000_000
    assert nanodollars(1.5e-9) == 2
    assert nanodollars(0.0) == 0


async def test_two_hundred_runs_at_once_spend_not_a_cent_more_than_their_budget(
    kept: Kept,
) -> None:
    """Each run's turn is paid for as it is: the budget is enough for some of the runs only."""
    cost = PRICE(SAID)
    budget = Budget("shared", usd=0.025, per="all", every="ever")
    mine = Budget("mine", usd=0.03, per="tenant", every="day")
    till = Till(kept.accounts, [budget, mine], clock=lambda: 0.0)
    model = ScriptedBackend(repeat(Say("Hello.", usage=SAID)))
    loop = AgentLoop(Router(Member(model, PRICE)), Registry(), till=till)

    async def run(number: int) -> float | None:
        tenant = "a" if number % 2 else "b"
        asked = RunRequest(messages=(UserMessage(content="Go."),), tenant=tenant)
        try:
            events = [event async for event in loop.run(asked)]
        except Unpayable:
            return None
        assert isinstance(events[-1], RunFinished)
        return events[-1].outcome.cost_usd

    spent = [each for each in await asyncio.gather(*map(run, range(200))) if each is not None]
    await loop.aclose()
    whole = budget.line("a", "", 0.0)
    halves = [mine.line(tenant, "", 0.0) for tenant in "ab"]
    [in_all] = await kept.accounts.balances([whole])
    of_each = await kept.accounts.balances(halves)
    assert len(model.turns) == len(spent)
    assert 0 < len(spent) < 200
    assert in_all == Balance(nanodollars(cost) * len(spent), 0)
    assert in_all.spent <= whole.limit
    assert all(b.spent <= line.limit for b, line in zip(of_each, halves, strict=True))
    assert sum(b.taken for b in of_each) == in_all.spent
    # What is left is less than a turn's worst case: nothing was kept from runs that could be paid for.
    while await run(0) is not None:
        pass
    [in_all] = await kept.accounts.balances([whole])
    assert in_all.taken <= whole.limit
    assert in_all.taken > whole.limit - 0.0126 * NANO


def test_of_the_same_kind_the_first_budget_counts_that_is_for_somebody() -> None:
    wide = Budget("wide", 500, tenants=("acme",))
    usual = Budget("usual", 50)
    daily = Budget("daily", 5, per="key", every="day")
    budgets = [wide, usual, daily]
    assert applying(budgets, "acme", "k") == [wide, daily]
    assert applying(budgets, "other", "k") == [usual, daily]


@pytest.mark.parametrize(
    ("every", "period", "ends"),
    [
        ("hour", "2026-12-31T23", 1_798_761_600.0),
        ("day", "2026-12-31", 1_798_761_600.0),
        ("week", "2026-W53", 1_799_020_800.0),
        ("month", "2026-12", 1_798_761_600.0),
        ("ever", "ever", math.inf),
    ],
)
def test_periods_are_those_of_the_calendar(every: str, period: str, ends: float) -> None:
    line = Budget("b", 1, every=every).line("t", "k", 1_798_758_000.5)  # type: ignore[arg-type]
    assert (line.period, line.ends_at) == (period, ends)


async def test_a_caller_who_leaves_takes_nobody_elses_entry_along(sql: Kept) -> None:
    """All wait for one transaction, which the first of them makes; then the next one does."""
    lines = [Line(f"tenant\0{n}", "ever", 10, math.inf) for n in range(3)]
    first, *others = [asyncio.ensure_future(sql.accounts.reserve([line], 1)) for line in lines]
    await asyncio.sleep(0)  # the first has the turn, the others wait behind it
    first.cancel()
    await asyncio.gather(*others)
    assert [each.taken for each in await sql.accounts.balances(lines[1:])] == [1, 1]
