"""Rates that gateways share: together they never allow more than one would alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import text

from gateway.storage.errors import StorageUnavailable
from gateway.storage.rates import AGAIN_S, Buckets, SharedAllowance
from gateway.storage.retention import Retention
from gateway.storage.sql.rates import SqlBuckets
from gateway.storage.sql.upkeep import sweep
from policies.allowance import Allowance, Draw, LocalAllowance, Rate, merged
from tests.storage.stores import Clock, Kept, sql_stores

HOUR = 3600.0
FIVE = Rate(5, HOUR)
PATIENT_S = 60.0


def draw(bucket: str = "b", amount: float = 1.0, rate: Rate = FIVE) -> Draw:
    return Draw(bucket, rate, amount)


async def taken(allowance: Allowance | Buckets, *draws: Draw) -> bool:
    return not any(await allowance.take(draws))


@pytest.fixture
async def gateways(url: str) -> AsyncIterator[Sequence[SharedAllowance]]:
    """Three over one database, each with its own connections."""
    stores = [sql_stores(url) for _ in range(3)]
    allowances: list[SharedAllowance] = []
    for kept in stores:
        assert kept.database is not None
        allowances.append(SharedAllowance(SqlBuckets(kept.database), answer_s=PATIENT_S))
    yield allowances
    for allowance, kept in zip(allowances, stores, strict=True):
        await allowance.aclose()
        await kept.aclose()


async def test_gateways_that_ask_at_once_take_together_what_is_there(
    gateways: Sequence[SharedAllowance],
) -> None:
    asks = [taken(each, draw()) for _ in range(8) for each in gateways]
    assert sum(await asyncio.gather(*asks)) == 5


TAKER = """
import asyncio, sys
from gateway.storage.sql.database import Database
from gateway.storage.sql.opening import engine_of
from gateway.storage.sql.processes import Process
from gateway.storage.sql.rates import SqlBuckets
from policies.allowance import Draw, Rate

async def main():
    database, few = Database(engine_of(sys.argv[1]), Process()), asyncio.Semaphore(4)
    database.hold()
    buckets = SqlBuckets(database)
    draws = [Draw("calls", Rate(30, 3600), 1), Draw("all", Rate(1000, 3600), 1)]
    async def taken():
        async with few:
            return not any(await buckets.take(draws))
    print(sum(await asyncio.gather(*(taken() for _ in range(25)))))
    await database.release()

asyncio.run(main())
"""


def test_processes_take_together_what_is_there(url: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", TAKER, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=120) for process in started]
    assert sum(int(out or error) for out, error in told) == 30


async def test_what_is_denied_takes_nothing_anywhere(kept: Kept) -> None:
    one = draw("one", rate=Rate(1, HOUR))
    assert await taken(kept.rates, one)
    for _ in range(7):
        assert not await taken(kept.rates, *merged([draw("five"), one]))
    assert [await taken(kept.rates, draw("five")) for _ in range(6)] == [True] * 5 + [False]


async def test_more_than_a_bucket_holds_is_never_there(kept: Kept) -> None:
    assert not await taken(kept.rates, draw(amount=6))
    assert await taken(kept.rates, draw(amount=5))


async def test_how_long_to_wait_is_told(kept: Kept) -> None:
    await kept.rates.take([draw(amount=5)])
    [wait_s] = await kept.rates.take([draw(amount=2)])
    assert wait_s == pytest.approx(HOUR * 2 / 5, abs=60)


async def test_what_was_used_is_owed_and_others_know(gateways: Sequence[SharedAllowance]) -> None:
    first, second, _ = gateways
    tokens = Rate(100, HOUR)
    first.spend([draw("tokens", 60, tokens)])
    first.spend([draw("tokens", 60, tokens)])
    assert not await taken(first, draw("tokens", 0, tokens)), "its own count is known at once"
    assert not await taken(second, draw("tokens", 0, tokens))
    assert await taken(second, draw("others", 0, tokens))


async def test_a_bucket_fills_with_time_and_a_full_one_is_forgotten(sql: Kept) -> None:
    assert sql.database is not None
    buckets = SqlBuckets(sql.database)
    assert await taken(buckets, draw(amount=5))
    for seconds, amount in ((HOUR / 5, 1), (HOUR * 2 / 5, 2)):
        async with sql.database.write() as connection:
            ago = {"ns": int(seconds * 1e9)}
            await connection.execute(text("UPDATE rates SET full_at = full_at - :ns"), ago)
        assert await taken(buckets, draw(amount=amount))
        assert not await taken(buckets, draw())
    await sweep(sql.database, Retention())
    assert (await sql.tables())["rates"] == 1
    await sweep(sql.database, Retention(), lambda: 4e9)
    assert (await sql.tables())["rates"] == 0


class Counted:
    """A store that counts in memory, fails on wish, and notes how often it was asked."""

    def __init__(self, clock: Clock) -> None:
        self.allowance = LocalAllowance(clock)
        self.failure: Exception | None = None
        self.hangs = False
        self.asked = 0

    async def take(self, draws: Sequence[Draw]) -> Sequence[float]:
        await self._answer()
        return await self.allowance.take(draws)

    async def spend(self, draws: Sequence[Draw]) -> None:
        await self._answer()
        self.allowance.spend(draws)

    async def _answer(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure


@pytest.mark.parametrize("hangs", [True, False])
async def test_while_the_store_does_not_answer_a_process_counts_by_itself(hangs: bool) -> None:
    clock = Clock()
    buckets = Counted(clock)
    allowance = SharedAllowance(buckets, clock, answer_s=0.01 if hangs else PATIENT_S)
    assert [await taken(allowance, draw()) for _ in range(2)] == [True] * 2
    buckets.failure, buckets.hangs = StorageUnavailable("gone"), hangs
    asked = buckets.asked
    assert [await taken(allowance, draw()) for _ in range(5)] == [True] * 3 + [False] * 2, (
        "what it took while the store answered counts too"
    )
    allowance.spend([draw("tokens")])
    assert buckets.asked == asked + 1, "and the store is left alone for a while"
    buckets.failure, buckets.hangs = None, False
    clock.now += AGAIN_S
    assert await taken(allowance, draw()), "the store knows of two only"
    assert buckets.asked == asked + 2


async def test_an_empty_bucket_is_not_asked_for_again_before_it_can_hold_enough() -> None:
    clock = Clock()
    buckets = Counted(clock)
    allowance = SharedAllowance(buckets, clock)
    await allowance.take([draw(amount=5)])
    [wait_s] = await allowance.take([draw()])
    asked = buckets.asked
    clock.now += wait_s / 2
    assert await allowance.take([draw()]) == [pytest.approx(wait_s / 2)]
    assert buckets.asked == asked
    clock.now += wait_s / 2 + 1e-6
    assert await taken(allowance, draw())


async def test_what_was_spent_is_written_before_it_is_closed() -> None:
    clock = Clock()
    buckets = Counted(clock)
    allowance = SharedAllowance(buckets, clock)
    allowance.spend([draw(amount=5)])
    await allowance.aclose()
    assert not await taken(buckets.allowance, draw())
