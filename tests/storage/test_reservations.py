"""What a gateway that dies had set aside of budgets comes back, once, and nobody else's with it."""

from __future__ import annotations

import asyncio
import logging
import math
import subprocess
import sys

import pytest

from gateway.storage.accounts import Balance, Line, NotLeftError
from gateway.storage.retention import Retention
from gateway.storage.sql.processes import LEASE_S, RENEWAL_S
from gateway.storage.sql.upkeep import sweep
from tests.storage.stores import Clock, Kept, bury, outlived, rows_of, sql_stores

A = Line("tenant\0a", "2026-11", 100, math.inf)
ALL = Line("all", "2026-11", 150, math.inf)
RESERVE_AND_HANG = """
import asyncio, math, sys
from gateway.storage.accounts import Line
from gateway.storage.retention import Retention
from gateway.storage.sql.stores import open_stores

async def main():
    stores = open_stores(sys.argv[1], Retention())
    await stores.accounts.reserve([Line("all", "2026-11", 150, math.inf)], 90)
    print("set aside", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_what_a_killed_gateway_had_set_aside_can_be_spent_again(url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RESERVE_AND_HANG, url, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"set aside\n"
    kept = sql_stores(url)
    await kept.accounts.reserve([ALL], 10)
    await bury(kept)
    with pytest.raises(NotLeftError):  # it lives
        await kept.accounts.reserve([ALL], 100)
    process.kill()
    await process.wait()
    await bury(kept)
    assert await kept.accounts.balances([ALL]) == [Balance(0, 10)]
    await kept.accounts.reserve([ALL], 100)
    await kept.aclose()


async def test_it_comes_back_after_the_lease_and_only_once_however_many_look(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    times = Clock()
    dead, one, other = (sql_stores(url, now=times) for _ in range(3))
    await dead.accounts.reserve([A, ALL], 60)
    await dead.accounts.settle([A, ALL], 20, 5)
    await one.accounts.reserve([ALL], 30)
    times.now += LEASE_S - 1
    await asyncio.gather(bury(one), bury(other))
    assert await one.accounts.balances([A, ALL]) == [Balance(5, 40), Balance(5, 70)]
    with caplog.at_level(logging.WARNING, "gateway.budgets"):
        for _ in range(5):
            times.now += RENEWAL_S
            await asyncio.gather(bury(one), bury(other))
    assert await one.accounts.balances([A, ALL]) == [Balance(5, 0), Balance(5, 30)]
    assert len(caplog.records) == 1
    await one.accounts.settle([ALL], 30, 7)
    assert await other.accounts.balances([ALL]) == [Balance(12, 0)]
    for each in (dead, one, other):
        await each.aclose()


async def test_a_gateway_that_was_only_silent_books_and_gives_back_no_more_than_it_holds(
    url: str,
) -> None:
    times = Clock()
    silent, one = (sql_stores(url, now=times) for _ in range(2))
    await silent.accounts.reserve([ALL], 60)
    await outlived(times, one)
    await one.accounts.reserve([ALL], 50)
    await silent.accounts.settle([ALL], 60, 25)
    assert await one.accounts.balances([ALL]) == [Balance(25, 50)]
    await silent.accounts.reserve([ALL], 10)
    await silent.accounts.settle([ALL], 10, 10)
    assert await one.accounts.balances([ALL]) == [Balance(35, 50)]
    for each in (silent, one):
        await each.aclose()


async def test_money_that_comes_back_while_it_is_asked_for_is_never_counted_twice(
    url: str,
) -> None:
    times = Clock()
    gateways = [sql_stores(url, now=times) for _ in range(4)]
    dead, *living = gateways
    line = Line("all", "ever", 1000, math.inf)
    await dead.accounts.reserve([line], 400)
    for _ in range(4):  # at the next look it is known to be dead
        times.now += RENEWAL_S
        await asyncio.gather(*map(bury, living))
    times.now += RENEWAL_S

    async def spend(kept: Kept) -> int:
        await bury(kept)
        spent = 0
        for _ in range(60):
            try:
                await kept.accounts.reserve([line], 10)
            except NotLeftError:
                continue
            await kept.accounts.settle([line], 10, 7)
            spent += 7
        return spent

    spent = sum(await asyncio.gather(*map(spend, living)))
    assert await living[0].accounts.balances([line]) == [Balance(spent, 0)]
    assert 990 < spent <= 1000
    for each in gateways:
        await each.aclose()


async def test_a_gateway_that_ends_leaves_nothing_set_aside(url: str) -> None:
    ending, other = sql_stores(url), sql_stores(url)
    await ending.accounts.reserve([ALL], 60)
    await ending.aclose()
    assert await other.accounts.balances([ALL]) == [Balance(0, 0)]
    await other.aclose()


async def test_reservations_go_with_the_accounts_of_past_periods(sql: Kept) -> None:
    past = Line("all", "2026-10", 10, 1000.0)
    await sql.accounts.reserve([past], 1)
    assert sql.database is not None
    await sweep(sql.database, Retention(max_run_age_s=60.0), lambda: 1061.0)
    rows = await rows_of(sql.database)
    assert (rows["accounts"], rows["reservations"]) == (0, 0)
