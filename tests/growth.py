"""How time grows with the size of an input: a ratio on one machine, which a slow machine has, too."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_TIMES = 4  # as large: linear work takes 4 times as long, quadratic work 16 times
_MOST = 8.0
_UNNOTICED_S = 0.02  # below, the clock's own noise is seen; what grows too fast is far above


def assert_linear(make: Callable[[int], T], work: Callable[[T], object], size: int) -> None:
    """Fail when `work(make(size))` takes more than twice what linear growth from a quarter allows."""
    whole, quarter = make(size), make(size // _TIMES)
    longest = shortest = float("inf")
    for _ in range(3):  # in turn, the best of each: what else the machine does slows both
        longest = min(longest, _took_s(work, whole))
        shortest = min(shortest, _took_s(work, quarter))
    allowed = max(_MOST * shortest, _UNNOTICED_S)
    assert longest < allowed, f"{shortest:.4f} s for {size // _TIMES}, {longest:.4f} s for {size}"


def _took_s(work: Callable[[T], object], on: T) -> float:
    began = time.thread_time()
    work(on)
    return time.thread_time() - began
