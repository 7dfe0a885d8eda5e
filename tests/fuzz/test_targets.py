"""What comes from outside is read or refused: nothing raises, hangs, or takes memory without bound."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, TARGETS

LONGEST_S = 20.0
"""For one input of 50,000 bytes, on a machine that has much else to do; a hang takes for ever."""
MOST_BYTES = 100 << 20
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@st.composite
def spoiled(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A seed of which parts are cut, doubled, replaced, or put into another."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        to = draw(st.integers(at, min(len(data), at + 20)))
        part = draw(
            st.binary(max_size=6) | st.sampled_from([data[at:to] * 3, b'"', b"{", b"\xff", b"\x00"])
        )
        data = data[:at] + part + data[to:]
    return data  # fmt: skip


def test_every_target_has_seeds() -> None:
    assert set(SEEDS) == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_the_bytes_are_nothing_raises(name: str) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
    @given(st.binary(max_size=200) | spoiled(SEEDS[name]))
    def attempt(data: bytes) -> None:
        TARGETS[name](data)

    for seed in SEEDS[name]:
        TARGETS[name](seed)
    attempt()


HUGE = {
    "brackets": b"[" * 50_000,
    "braces": b'{"a":' * 10_000,
    "quotes": b'"' * 50_000,
    "one letter": b"a" * 50_000,
    "digits": b"1" * 50_000,
    "spaces": b" " * 50_000,
    "lines": b"- a\n" * 12_000,
    "markers": b"[TOOL_CALLS]" * 4_000,
    "escapes": b"%25" * 16_000,
    "invalid UTF-8": b"\xf0\x9f" * 25_000,
}


@pytest.mark.parametrize("name", TARGETS)
def test_large_bytes_take_bounded_time_and_memory(name: str) -> None:
    for kind, data in HUGE.items():
        for whole in (data, SEEDS[name][0] + data):
            tracemalloc.start()
            began = time.process_time()
            try:
                TARGETS[name](whole)
                took, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            assert took < LONGEST_S, (kind, took)
            assert peak < MOST_BYTES, (kind, peak)
