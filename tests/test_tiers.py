"""The tier switch in simulations: the gateway's own code under bursty load, in virtual time."""

from __future__ import annotations

import asyncio
import json
from functools import cache

import pytest

from bench.tier_engines import Recorded
from bench.tier_load import Course, bursts, change, table
from bench.tiers import TIMES, WAYS, Way, course
from bench.virtual_time import run

RECORDED = [Recorded.read(each) for each in json.loads(TIMES.read_text(encoding="utf-8"))]
SLOWNESS = 8 * RECORDED[1].capacity / RECORDED[0].capacity
"""Of the overflow tier: then it can do an eighth of what the first one can."""
LOAD = bursts(0.8 * RECORDED[0].capacity, 240, seed=1, period_s=60)


@cache
def simulated(way: Way) -> Course:
    return run(course(way, RECORDED, LOAD, slowness=SLOWNESS))


def test_virtual_time_passes_by_itself_and_in_order() -> None:
    async def sleepers() -> list[tuple[float, int]]:
        loop, woke = asyncio.get_running_loop(), list[tuple[float, int]]()

        async def sleeper(n: int) -> None:
            await asyncio.sleep(1000 * n)
            woke.append((round(loop.time()), n))

        await asyncio.gather(*map(sleeper, (3, 1, 2)))
        return woke

    assert run(sleepers()) == [(1000, 1), (2000, 2), (3000, 3)]


def test_waiting_for_what_never_comes_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        run(asyncio.Event().wait())


@pytest.mark.parametrize("way", WAYS)
def test_every_request_is_answered_and_places_are_busy_as_long_as_it_takes(way: Way) -> None:
    found = simulated(way)
    assert len(found.answered) == len(LOAD)
    assert 0.3 < found.busy[0] <= 1
    assert 0 <= found.busy[1] <= 1
    assert (found.moved > 0) == (way == "two tiers")


def test_the_same_load_has_the_same_course() -> None:
    assert run(course("two tiers", RECORDED, LOAD, slowness=SLOWNESS)) == simulated("two tiers")


def test_two_tiers_do_more_at_once_and_nobody_waits_longer_for_it() -> None:
    one, two = simulated("one tier, priorities"), simulated("two tiers")
    assert two.both > one.both
    assert two.mean("low") < one.mean("low")
    assert two.mean("high") <= one.mean("high")
    assert all(each.tier == "gpu" for each in two.answered if each.priority == "high")


def test_priorities_spare_those_who_can_not_wait() -> None:
    plain, ordered = simulated("one tier, first come"), simulated("one tier, priorities")
    assert ordered.p95("high") < plain.p95("high")
    assert ordered.mean("low") >= plain.mean("low")


def test_the_table_has_a_row_for_each_way_and_the_change_its_sign() -> None:
    found = {way: [simulated(way)] for way in WAYS}
    rows = table(found)[2:]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == list(WAYS)
    busier, quicker = change(found["one tier, priorities"], found["two tiers"])
    assert busier.startswith("+")
    assert quicker.startswith("−")
