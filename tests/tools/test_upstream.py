"""What the tools of one upstream share: its pace, its slots, its breaker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tools.bounds import UpstreamBounds
from tools.declared import BreakerKind
from tools.errors import ToolPaused, ToolUnavailable
from tools.executor import CallContext
from tools.registry import Registry
from tools.spec import Failure, ToolSpec, ValidCall
from tools.wrappers import Paced, Upstream
from tools.wrappers.upstream import Pace

MakeSpec = Callable[..., ToolSpec]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Waits:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def test_starts_are_spread_evenly_and_none_is_saved_up() -> None:
    clock = Clock()
    pace = Pace(2.0, clock)
    assert [pace.take(60.0) for _ in range(3)] == [0.0, 2.0, 4.0]
    clock.now = 100.0
    assert [pace.take(60.0) for _ in range(2)] == [0.0, 2.0]


def test_a_start_that_is_too_far_off_is_refused_and_not_taken() -> None:
    pace = Pace(2.0, Clock())
    pace.take(0.0)
    for _ in range(3):
        with pytest.raises(ToolPaused, match="the next is possible in 2 s"):
            pace.take(1.0)
    assert pace.take(2.0) == 2.0


async def test_who_comes_early_waits_for_its_turn(make_spec: MakeSpec, recorder: Any) -> None:
    upstream = Upstream("crm", UpstreamBounds(max_per_minute=30), clock=Clock())
    waits = Waits()
    paced = Paced(recorder("there"), upstream, sleep=waits)
    for _ in range(3):
        await paced.execute(ValidCall("abcdefghi", make_spec(), {}), CallContext())
    assert waits.seconds == [2.0, 4.0]


async def test_nobody_waits_past_the_runs_deadline(make_spec: MakeSpec, recorder: Any) -> None:
    upstream = Upstream("crm", UpstreamBounds(max_per_minute=30), clock=Clock())
    inner = recorder("there")
    paced = Paced(inner, upstream, sleep=Waits())
    soon = CallContext(deadline=asyncio.get_running_loop().time() + 1)
    call = ValidCall("abcdefghi", make_spec(), {})
    await paced.execute(call, soon)
    with pytest.raises(ToolPaused):
        await paced.execute(call, soon)
    assert len(inner.calls) == 1


async def test_tools_of_one_upstream_share_its_breaker_and_others_do_not(
    make_spec: MakeSpec, recorder: Any, make_call: Any
) -> None:
    registry, upstream = Registry(), Upstream("crm")
    gone, fine, apart = recorder(ToolUnavailable("gone")), recorder("fine"), recorder("fine")
    registry.register(make_spec("lose"), gone, upstream=upstream)
    registry.register(make_spec("find"), fine, upstream=upstream)
    registry.register(make_spec("apart"), apart)

    async def run(name: str) -> Any:
        checked = registry.check(make_call(name))
        assert isinstance(checked, ValidCall)
        return await registry.execute(checked, CallContext())

    for _ in range(5):
        assert (await run("lose")).failure is not None
    paused = await run("find")
    assert paused.failure is Failure.UNAVAILABLE
    assert "crm failed 5 times in a row" in paused.content
    assert fine.calls == []
    assert (await run("apart")).content == "fine"


async def test_what_is_a_tools_own_is_apart_and_the_rest_is_shared(
    make_spec: MakeSpec, recorder: Any, make_call: Any
) -> None:
    shared = Upstream("crm", UpstreamBounds(max_concurrent=8, max_per_minute=60))
    own = shared.for_one("export", UpstreamBounds(breaker=BreakerKind(failures=1, pause_s=60)))
    assert (own.slots, own.pace) == (shared.slots, shared.pace)
    assert own.bounds == UpstreamBounds(8, 60, BreakerKind(failures=1, pause_s=60))
    slower = shared.for_one("search", UpstreamBounds(max_concurrent=1, max_per_minute=6))
    assert slower.breaker is shared.breaker
    assert slower.slots is not shared.slots
    assert slower.pace is not shared.pace
    assert shared.for_one("find", UpstreamBounds()) is shared

    registry, plain = Registry(), Upstream("crm")
    one = plain.for_one("export", UpstreamBounds(breaker=BreakerKind(failures=1)))
    registry.register(make_spec("export"), recorder(ToolUnavailable("gone")), upstream=one)
    registry.register(make_spec("find"), recorder("fine"), upstream=plain)

    async def run(name: str) -> str:
        checked = registry.check(make_call(name))
        assert isinstance(checked, ValidCall)
        return (await registry.execute(checked, CallContext())).content

    assert "gone" in await run("export")
    assert "export failed 1 times in a row" in await run("export")
    assert await run("find") == "fine"
