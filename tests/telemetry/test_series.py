"""Plain numbers are told as the library would tell its own."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.exposition import generate_latest

from gateway.telemetry.instruments import Instruments
from gateway.telemetry.series import Counters, Family, Level, Spread

_AMOUNTS = (0, 0.05, 0.3, 1, 2.5, 61, 1e9)
"""Nothing, bounds of buckets, what lies between them, and more than the last."""
_VALUES = ("plain", 'with "quotes", a \\ and\na new line', "naïve")


def lived_through(made: Instruments) -> str:
    """What is told after the same has happened to every metric, series by series."""
    for name, one in vars(made).items():
        if name.startswith("_") or name == "registry":
            continue
        series = [one]
        if hasattr(one, "labels") and (names := labels_of(one)):
            series = [one.labels(*[value] * len(names)) for value in _VALUES]
        for step, each in enumerate(series):
            if hasattr(each, "observe"):
                for amount in _AMOUNTS[step:]:
                    each.observe(amount)
            elif name in {"runs_in_flight", "turns_in_flight", "budget_reserved"}:
                for amount in _AMOUNTS[step:]:
                    each.inc(amount)
                each.inc()
                each.dec()
                each.dec(0.25)
            elif hasattr(each, "set"):
                each.set([True, 7, float("nan")][step])
            else:
                each.inc()
                for amount in _AMOUNTS[step:]:
                    each.inc(amount)
    return generate_latest(made.registry).decode()


def labels_of(one: Any) -> tuple[str, ...]:
    return one.label_names if isinstance(one, Family) else one._labelnames


@pytest.fixture
def of_the_library(monkeypatch: pytest.MonkeyPatch) -> Instruments:
    """As in one of several workers; its values lie in memory, since the library was imported before."""
    with monkeypatch.context() as patched:
        patched.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
        return Instruments()


def test_all_that_one_process_tells_is_what_the_library_would_tell(
    of_the_library: Instruments,
) -> None:
    plain = Instruments()
    assert not isinstance(of_the_library.runs, Family)
    assert isinstance(plain.runs, Family)
    assert generate_latest(plain.registry) == generate_latest(of_the_library.registry)
    told = lived_through(plain)
    assert told == lived_through(of_the_library)
    assert told.count("\n") > 300


def test_series_are_told_in_the_order_in_which_they_were_first_asked_for(
    of_the_library: Instruments,
) -> None:
    plain = Instruments()
    for made in (plain, of_the_library):
        for tool in ("b", "c", "a"):
            made.dry_calls.labels(tool)
        made.dry_calls.labels("a").inc()
    assert generate_latest(plain.registry) == generate_latest(of_the_library.registry)


def test_a_counter_does_not_fall() -> None:
    counters = Counters("calls", "told")
    with pytest.raises(ValueError, match="only grows"):
        counters.labels().inc(-1)
    assert counters.labels().value == 0


def test_a_series_takes_a_value_for_each_label() -> None:
    with pytest.raises(ValueError, match="surface"):
        Counters("requests", "told", ["surface", "status"]).labels("chat")


def test_what_is_shared_by_nobody_is_no_file(of_the_library: Instruments) -> None:
    plain = Instruments()
    assert isinstance(plain.runs_in_flight, Level)
    assert isinstance(plain.run_seconds, Spread)
    assert not isinstance(of_the_library.runs_in_flight, Level)
    assert not isinstance(of_the_library.run_seconds, Spread)


def test_a_series_that_comes_while_the_metrics_are_read_is_told_the_next_time() -> None:
    family = Counters("calls", "told", ["tool"])
    family.labels("a").inc()
    seen: list[tuple[str, ...]] = []
    for values, _ in family.all_series():  # another thread reads them
        family.labels("b").inc()
        seen.append(values)
    assert seen == [("a",)]
    assert [values for values, _ in family.all_series()] == [("a",), ("b",)]
