"""Timeouts, retries by effect, bounds. Time is the loop's and no test sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tools.answer import Answer
from tools.bounds import UpstreamBounds
from tools.errors import ToolFailed, ToolTimeout, ToolUnavailable
from tools.executor import CallContext
from tools.spec import ToolSpec, ValidCall
from tools.wrappers import Limited, Retry, Timeout, Truncate, Upstream

MakeSpec = Callable[..., ToolSpec]
CONTEXT = CallContext()


class Hangs:
    """Never answers; remembers whether it was cancelled."""

    cancelled = False

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


class Waits:
    """What tenacity would have slept."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def call_of(spec: ToolSpec) -> ValidCall:
    return ValidCall("abcdefghi", spec, {})


async def test_20_a_tool_that_hangs_is_cancelled_at_its_timeout(make_spec: MakeSpec) -> None:
    hangs = Hangs()
    with pytest.raises(ToolTimeout, match=r"no answer in 0\.01 s") as caught:
        await Timeout(hangs).execute(call_of(make_spec(timeout_s=0.01)), CONTEXT)
    assert hangs.cancelled
    assert caught.value.sent


async def test_the_runs_deadline_comes_before_the_tools_timeout(make_spec: MakeSpec) -> None:
    soon = CallContext(deadline=asyncio.get_running_loop().time() + 0.01)
    with pytest.raises(ToolTimeout):
        await Timeout(Hangs()).execute(call_of(make_spec(timeout_s=600.0)), soon)


async def test_after_the_deadline_nothing_is_started(make_spec: MakeSpec, recorder: Any) -> None:
    inner = recorder("late")
    over = CallContext(deadline=asyncio.get_running_loop().time() - 1)
    with pytest.raises(ToolTimeout) as caught:
        await Timeout(inner).execute(call_of(make_spec()), over)
    assert not caught.value.sent
    assert inner.calls == []


async def test_a_timeout_of_the_tools_own_is_not_taken_for_ours(
    make_spec: MakeSpec, recorder: Any
) -> None:
    with pytest.raises(TimeoutError, match="its own"):
        await Timeout(recorder(TimeoutError("its own"))).execute(call_of(make_spec()), CONTEXT)


@pytest.mark.parametrize("hints", [{"read_only": True}, {"idempotent": True}])
async def test_what_is_safe_to_repeat_is_tried_three_times_with_growing_waits(
    make_spec: MakeSpec, recorder: Any, hints: dict[str, bool]
) -> None:
    inner, waits = recorder(ToolUnavailable("gone")), Waits()
    with pytest.raises(ToolUnavailable) as caught:
        await Retry(inner, sleep=waits, jitter=lambda: 0.5).execute(
            call_of(make_spec(**hints)), CONTEXT
        )
    assert len(inner.calls) == caught.value.attempts == 3
    assert waits.seconds == pytest.approx([0.3, 0.6])


async def test_a_second_attempt_that_succeeds_is_the_answer_and_is_counted(
    make_spec: MakeSpec, recorder: Any
) -> None:
    inner = recorder(ToolUnavailable("gone"), "there")
    answer = await Retry(inner, sleep=Waits()).execute(call_of(make_spec(read_only=True)), CONTEXT)
    assert answer == Answer("there", attempts=2)


@pytest.mark.parametrize("hints", [{}, {"destructive": True}])
async def test_a_write_is_repeated_only_when_nothing_can_have_arrived(
    make_spec: MakeSpec, recorder: Any, hints: dict[str, bool]
) -> None:
    sent = recorder(ToolUnavailable("broken"))
    with pytest.raises(ToolUnavailable):
        await Retry(sent, sleep=Waits()).execute(call_of(make_spec(**hints)), CONTEXT)
    assert len(sent.calls) == 1
    unsent = recorder(ToolUnavailable("no connection", sent=False), "done")
    answer = await Retry(unsent, sleep=Waits()).execute(call_of(make_spec(**hints)), CONTEXT)
    assert answer == Answer("done", attempts=2)


@pytest.mark.parametrize("error", [ToolFailed("no"), ToolTimeout("late"), ValueError("bug")])
async def test_other_errors_are_not_repeated(
    make_spec: MakeSpec, recorder: Any, error: Exception
) -> None:
    inner = recorder(error)
    with pytest.raises(type(error)):
        await Retry(inner, sleep=Waits()).execute(call_of(make_spec(read_only=True)), CONTEXT)
    assert len(inner.calls) == 1


async def test_the_wait_that_the_tool_asks_for_is_kept(make_spec: MakeSpec, recorder: Any) -> None:
    inner, waits = recorder(ToolUnavailable("busy", retry_after_s=7.0), "there"), Waits()
    await Retry(inner, sleep=waits).execute(call_of(make_spec(read_only=True)), CONTEXT)
    assert waits.seconds == [7.0]


@pytest.mark.parametrize(("asked", "left"), [(7.0, 5.0), (3_600.0, None)])
async def test_no_retry_waits_past_the_deadline_or_for_very_long(
    make_spec: MakeSpec, recorder: Any, asked: float, left: float | None
) -> None:
    now = asyncio.get_running_loop().time()
    context = CallContext(deadline=None if left is None else now + left)
    inner, waits = recorder(ToolUnavailable("busy", retry_after_s=asked)), Waits()
    with pytest.raises(ToolUnavailable):
        await Retry(inner, sleep=waits).execute(call_of(make_spec(read_only=True)), context)
    assert waits.seconds == []


async def test_a_long_result_is_cut_with_a_notice_and_a_short_one_is_not(
    make_spec: MakeSpec, recorder: Any
) -> None:
    call = call_of(make_spec())
    assert await Truncate(recorder({"a": 1}), limit=7).execute(call, CONTEXT) == Answer('{"a":1}')
    cut = await Truncate(recorder({"a": 12}), limit=7).execute(call, CONTEXT)
    assert cut.value.startswith('{"a":12\n[cut: the first 7 of 8 characters')
    assert cut.truncated_from == 8


async def test_a_limited_tool_serves_the_next_call_when_one_ends(make_spec: MakeSpec) -> None:
    running: list[str] = []
    go = asyncio.Event()
    first_runs = asyncio.Event()

    class Slow:
        async def execute(self, call: ValidCall, context: CallContext) -> Any:
            running.append(call.id)
            first_runs.set()
            await go.wait()
            return call.id

    limited = Limited(Slow(), Upstream("slow", UpstreamBounds(max_concurrent=1)))
    spec = make_spec()
    async with asyncio.TaskGroup() as group:
        one = group.create_task(limited.execute(ValidCall("one", spec, {}), CONTEXT))
        two = group.create_task(limited.execute(ValidCall("two", spec, {}), CONTEXT))
        await first_runs.wait()
        assert running == ["one"]
        go.set()
    assert (one.result(), two.result()) == ("one", "two")


async def test_waiting_for_a_busy_tool_ends_at_the_timeout_with_nothing_sent(
    make_spec: MakeSpec,
) -> None:
    limited = Limited(Hangs(), Upstream("hangs", UpstreamBounds(max_concurrent=1)))
    spec = make_spec(timeout_s=0.01)
    async with asyncio.TaskGroup() as group:
        holder = group.create_task(limited.execute(call_of(make_spec()), CONTEXT))
        await asyncio.sleep(0)
        with pytest.raises(ToolTimeout) as caught:
            await limited.execute(call_of(spec), CONTEXT)
        holder.cancel()
    assert not caught.value.sent


def test_a_bound_that_lets_nothing_through_is_refused() -> None:
    with pytest.raises(ValueError, match="max_concurrent"):
        Upstream("slow", UpstreamBounds(max_concurrent=0))
    with pytest.raises(ValueError, match="max_per_minute"):
        Upstream("slow", UpstreamBounds(max_per_minute=0))
