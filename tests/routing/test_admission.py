"""Who waits for whom, and that no place is ever lost or given twice."""

from __future__ import annotations

import asyncio
import random

import pytest

from routing.admission import Admission
from routing.errors import BackendTimeout
from routing.priority import PRIORITIES, Priority


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Holder:
    """Takes a place and keeps it until it is told to leave."""

    def __init__(self, admission: Admission, priority: Priority, log: list[str], name: str) -> None:
        self.leaves = asyncio.Event()
        self.task = asyncio.ensure_future(self._hold(admission, priority, log, name))

    async def _hold(
        self, admission: Admission, priority: Priority, log: list[str], name: str
    ) -> None:
        async with admission.place(priority, None):
            log.append(name)
            await self.leaves.wait()


async def test_the_most_urgent_goes_first_and_of_equals_the_first() -> None:
    admission, log = Admission(1), list[str]()
    wanted: list[tuple[Priority, str]] = [
        ("low", "running"),
        ("low", "l1"),
        ("normal", "n1"),
        ("high", "h1"),
        ("low", "l2"),
        ("high", "h2"),
    ]
    holders = list[Holder]()
    for priority, name in wanted:
        holders.append(Holder(admission, priority, log, name))
        await settled()
    assert (admission.running, admission.waiting) == (1, 5)
    for holder in holders:
        holder.leaves.set()
    await asyncio.gather(*(each.task for each in holders))
    assert log == ["running", "h1", "h2", "n1", "l1", "l2"]
    assert (admission.running, admission.waiting) == (0, 0)


async def test_without_a_bound_nobody_waits() -> None:
    admission, log = Admission(), list[str]()
    holders = [Holder(admission, "low", log, str(n)) for n in range(50)]
    await settled()
    assert len(log) == admission.running == 50
    for holder in holders:
        holder.leaves.set()
    await asyncio.gather(*(each.task for each in holders))


async def test_waiting_ends_at_the_deadline() -> None:
    admission = Admission(1, "gpu")
    now = asyncio.get_running_loop().time()
    async with admission.place("high", None):
        with pytest.raises(BackendTimeout, match="no place") as raised:
            async with admission.place("low", now):
                pytest.fail("there was no place")
        assert raised.value.backend == "gpu"
        assert admission.waiting == 0
    assert admission.running == 0


async def test_who_leaves_while_waiting_is_passed_over() -> None:
    admission, log = Admission(1), list[str]()
    first, second, third = (Holder(admission, "normal", log, str(n)) for n in range(3))
    await settled()
    second.task.cancel()
    await settled()
    assert admission.waiting == 1
    first.leaves.set()
    third.leaves.set()
    await asyncio.gather(first.task, third.task)
    assert log == ["0", "2"]
    assert admission.running == 0


async def test_who_leaves_at_the_moment_of_being_let_in_hands_the_place_on() -> None:
    admission, log = Admission(1), list[str]()
    first, second, third = (Holder(admission, "normal", log, str(n)) for n in range(3))
    await settled()
    first.leaves.set()
    third.leaves.set()
    await asyncio.sleep(0)  # the first one leaves, and the second has not run yet
    assert admission.waiting == 1
    second.task.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(first.task, third.task)
    assert log == ["0", "2"]
    assert admission.running == 0


@pytest.mark.parametrize("seed", range(20))
async def test_in_any_order_of_coming_and_leaving_places_are_kept_count_of(seed: int) -> None:
    chance = random.Random(seed)
    admission, log = Admission(3), list[str]()
    holders = list[Holder]()
    for n in range(60):
        if holders and chance.random() < 0.5:
            one = holders.pop(chance.randrange(len(holders)))
            one.task.cancel() if chance.random() < 0.5 else one.leaves.set()
        else:
            holders.append(Holder(admission, chance.choice(PRIORITIES), log, str(n)))
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        assert admission.running <= 3
    for holder in holders:
        holder.leaves.set()
    await asyncio.gather(*(each.task for each in holders), return_exceptions=True)
    await settled()
    assert (admission.running, admission.waiting) == (0, 0)
