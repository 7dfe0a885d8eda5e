"""Results of reads, kept for a while, per tenant and arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tools.answer import Answer
from tools.errors import ToolFailed
from tools.executor import CallContext
from tools.spec import ToolSpec, ValidCall
from tools.wrappers import Cache, standard_wrappers
from tools.wrappers.cache import canonical

CONTEXT = CallContext()
MakeSpec = Callable[..., ToolSpec]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def with_arguments(spec: ToolSpec, **arguments: Any) -> ValidCall:
    return ValidCall("abcdefghi", spec, arguments)


async def test_the_same_read_is_answered_from_memory_until_it_is_too_old(
    make_spec: MakeSpec, recorder: Any
) -> None:
    inner, clock = recorder("first", "second"), Clock()
    cache = Cache(inner, 10.0, clock=clock)
    spec = make_spec(read_only=True)
    assert await cache.execute(with_arguments(spec, a=1, b=2), CONTEXT) == Answer("first")
    clock.now = 9.9
    kept = await cache.execute(with_arguments(spec, b=2, a=1), CONTEXT)
    assert kept == Answer("first", attempts=0)
    clock.now = 10.0
    assert await cache.execute(with_arguments(spec, a=1, b=2), CONTEXT) == Answer("second")


async def test_tenants_never_see_each_others_results(make_spec: MakeSpec, recorder: Any) -> None:
    cache = Cache(recorder("mine", "yours"), 10.0)
    call = with_arguments(make_spec(read_only=True))
    assert (await cache.execute(call, CallContext(tenant="a"))).value == "mine"
    assert (await cache.execute(call, CallContext(tenant="b"))).value == "yours"


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, "1"), (None, ""), ([1], {"0": 1})])
def test_values_that_only_look_alike_are_not_the_same(one: Any, other: Any) -> None:
    assert canonical({"a": one}) != canonical({"a": other})


async def test_failures_are_not_kept(make_spec: MakeSpec, recorder: Any) -> None:
    cache = Cache(recorder(ToolFailed("no"), "yes"), 10.0)
    call = with_arguments(make_spec(read_only=True))
    with pytest.raises(ToolFailed):
        await cache.execute(call, CONTEXT)
    assert (await cache.execute(call, CONTEXT)).value == "yes"


async def test_the_least_recently_used_result_goes_first(
    make_spec: MakeSpec, recorder: Any
) -> None:
    inner = recorder(*range(9))
    cache = Cache(inner, 10.0, max_entries=2)
    spec = make_spec(read_only=True)
    for key in (1, 2, 1, 3, 1, 2):
        await cache.execute(with_arguments(spec, key=key), CONTEXT)
    assert [call.arguments["key"] for call, _ in inner.calls] == [1, 2, 3, 2]


async def test_only_tools_that_ask_for_it_are_cached(make_spec: MakeSpec, recorder: Any) -> None:
    once = recorder("x")
    spec = make_spec(read_only=True, cache_s=60.0)
    wrapped = standard_wrappers(once, spec)
    never = recorder("x")
    plain = standard_wrappers(never, make_spec(read_only=True))
    for _ in range(2):
        await wrapped.execute(with_arguments(spec), CONTEXT)
        await plain.execute(with_arguments(make_spec(read_only=True)), CONTEXT)
    assert (len(once.calls), len(never.calls)) == (1, 2)
