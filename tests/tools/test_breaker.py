"""An upstream that keeps failing is left alone; time is a number that the test sets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tools.errors import ToolFailed, ToolPaused, ToolTimeout, ToolUnavailable
from tools.executor import CallContext
from tools.spec import ToolSpec, ValidCall
from tools.wrappers import Broken, Retry
from tools.wrappers.breaker import Breaker

CONTEXT = CallContext()
GONE = ToolUnavailable("no route")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def call(make_spec: Callable[..., ToolSpec]) -> ValidCall:
    return ValidCall("abcdefghi", make_spec(read_only=True), {})


def breaker(clock: Clock) -> Breaker:
    return Breaker("crm", failures=3, pause_s=30.0, clock=clock)


async def fail(broken: Broken, call: ValidCall, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ToolUnavailable, match="no route"):
            await broken.execute(call, CONTEXT)


async def test_after_failures_in_a_row_calls_are_refused_at_once(
    clock: Clock, call: ValidCall, recorder: Any
) -> None:
    inner = recorder(GONE)
    broken = Broken(inner, breaker(clock))
    await fail(broken, call, 3)
    with pytest.raises(ToolPaused, match=r"crm failed 3 times .* \(no route\).* in 30 s"):
        await broken.execute(call, CONTEXT)
    assert len(inner.calls) == 3


async def test_a_value_in_between_begins_the_count_anew(
    clock: Clock, call: ValidCall, recorder: Any
) -> None:
    broken = Broken(recorder(GONE, GONE, "there", GONE, GONE, "there"), breaker(clock))
    await fail(broken, call, 2)
    await broken.execute(call, CONTEXT)
    await fail(broken, call, 2)
    assert await broken.execute(call, CONTEXT) == "there"


@pytest.mark.parametrize("error", [ToolFailed("no"), ValueError("bug")])
async def test_an_upstream_that_says_no_is_there(
    error: Exception, clock: Clock, call: ValidCall, recorder: Any
) -> None:
    broken = Broken(recorder(GONE, GONE, error, GONE, GONE, "there"), breaker(clock))
    await fail(broken, call, 2)
    with pytest.raises(type(error)):
        await broken.execute(call, CONTEXT)
    await fail(broken, call, 2)
    assert await broken.execute(call, CONTEXT) == "there"


async def test_after_the_pause_one_call_is_let_through_and_closes_the_circuit(
    clock: Clock, call: ValidCall
) -> None:
    go, asked = asyncio.Event(), asyncio.Event()
    failing = True

    class Upstream:
        async def execute(self, call: ValidCall, context: CallContext) -> Any:
            if failing:
                raise GONE
            asked.set()
            await go.wait()
            return "there"

    broken = Broken(Upstream(), breaker(clock))
    await fail(broken, call, 3)
    clock.now += 31
    failing = False
    async with asyncio.TaskGroup() as group:
        probe = group.create_task(broken.execute(call, CONTEXT))
        await asked.wait()
        with pytest.raises(ToolPaused, match="under way"):
            await broken.execute(call, CONTEXT)
        go.set()
    assert probe.result() == "there"
    assert await broken.execute(call, CONTEXT) == "there"


async def test_a_probe_that_fails_begins_the_pause_anew(
    clock: Clock, call: ValidCall, recorder: Any
) -> None:
    broken = Broken(recorder(GONE), breaker(clock))
    await fail(broken, call, 3)
    clock.now += 31
    await fail(broken, call, 1)
    clock.now += 29
    with pytest.raises(ToolPaused):
        await broken.execute(call, CONTEXT)


async def test_a_probe_that_is_cancelled_lets_the_next_one_through(
    clock: Clock, call: ValidCall, recorder: Any
) -> None:
    inner = recorder(GONE, GONE, GONE, asyncio.CancelledError(), "there")
    broken = Broken(inner, breaker(clock))
    await fail(broken, call, 3)
    clock.now += 31
    with pytest.raises(asyncio.CancelledError):
        await broken.execute(call, CONTEXT)
    assert await broken.execute(call, CONTEXT) == "there"


async def test_what_was_never_asked_did_not_fail(
    clock: Clock, call: ValidCall, recorder: Any
) -> None:
    busy = ToolTimeout("busy", sent=False)
    broken = Broken(recorder(busy, busy, busy, busy, "there"), breaker(clock))
    for _ in range(4):
        with pytest.raises(ToolTimeout):
            await broken.execute(call, CONTEXT)
    assert await broken.execute(call, CONTEXT) == "there"


async def test_a_run_whose_own_time_is_over_says_nothing_about_the_upstream(
    clock: Clock, call: ValidCall, recorder: Any
) -> None:
    late = ToolTimeout("late")
    broken = Broken(recorder(late, late, late, late, "there"), breaker(clock))
    over = CallContext(deadline=asyncio.get_running_loop().time() - 1)
    for _ in range(4):
        with pytest.raises(ToolTimeout):
            await broken.execute(call, over)
    assert await broken.execute(call, CONTEXT) == "there"


async def test_a_paused_upstream_is_not_tried_again(
    clock: Clock, call: ValidCall, recorder: Any
) -> None:
    inner = recorder(GONE)
    shared = breaker(clock)
    await fail(Broken(inner, shared), call, 3)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with pytest.raises(ToolPaused) as caught:
        await Retry(Broken(inner, shared), sleep=sleep).execute(call, CONTEXT)
    assert waits == []
    assert not caught.value.sent
