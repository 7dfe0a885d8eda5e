"""When a schedule is due: expressions, clocks that are set, what was missed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.schedules.due import Due, Missed, due
from gateway.schedules.plan import Plan
from gateway.schedules.when import (
    Cron,
    Every,
    NoSuchTime,
    Once,
    When,
    last_until,
    shortest_gap,
)

PARIS = ZoneInfo("Europe/Paris")


def at(text: str) -> float:
    """Local time of Paris, unless it says otherwise."""
    told = datetime.fromisoformat(text)
    return (told if told.tzinfo else told.replace(tzinfo=PARIS)).timestamp()


def next_ones(when: When, moment: str, count: int) -> list[str]:
    """As clocks in Paris show them."""
    told, now = list[str](), at(moment)
    for _ in range(count):
        found = when.after(now)
        assert found is not None
        told.append(datetime.fromtimestamp(found, PARIS).isoformat())
        now = found
    return told


def paris(expression: str) -> Cron:
    return Cron(expression, "Europe/Paris")


def test_a_time_of_day_is_that_of_the_zone_in_summer_and_in_winter() -> None:
    weekdays = next_ones(paris("0 9 * * 1-5"), "2026-10-23T12:00", 2)
    assert weekdays == ["2026-10-26T09:00:00+01:00", "2026-10-27T09:00:00+01:00"]
    assert next_ones(paris("0 9 * * *"), "2026-07-01T09:00", 1) == ["2026-07-02T09:00:00+02:00"]
    assert next_ones(Cron("0 9 * * *"), "2026-07-01T12:00", 1) == ["2026-07-02T11:00:00+02:00"]


def test_a_time_that_clocks_skip_comes_when_they_have_skipped_it() -> None:
    told = next_ones(paris("30 2 * * *"), "2026-03-28T12:00", 2)
    assert told == ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    # all four of them are one moment, and it comes once
    told = next_ones(paris("0,15,30,45 2 * * *"), "2026-03-28T12:00", 2)
    assert told == ["2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"]


def test_a_time_that_clocks_show_twice_comes_once() -> None:
    told = next_ones(paris("30 2 * * *"), "2026-10-24T12:00", 2)
    assert told == ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    within = "2026-10-25T02:10:00+01:00"  # the hour is shown for the second time
    assert next_ones(paris("30 2 * * *"), within, 1) == ["2026-10-26T02:30:00+01:00"]


def test_what_comes_every_so_often_does_not_mind_clocks_that_are_set() -> None:
    told = next_ones(paris("*/30 * * * *"), "2026-10-25T02:00:00+02:00", 4)
    hours = ["02:30:00+02:00", "02:00:00+01:00", "02:30:00+01:00", "03:00:00+01:00"]
    assert told == [f"2026-10-25T{hour}" for hour in hours]
    hourly = Every(3600.0, at("2026-10-25T01:00"))
    assert next_ones(hourly, "2026-10-25T02:30:00+02:00", 1) == ["2026-10-25T02:00:00+01:00"]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * *",
        "@daily",
        "60 * * * *",
        "* 24 * * *",
        "*/0 * * * *",
        "a b c d e",
        "0 0 31 2 *",
        "* * * * " + "1," * 200 + "1",
    ],
)
def test_an_expression_that_means_nothing_is_refused(expression: str) -> None:
    with pytest.raises(NoSuchTime) as refused:
        Cron(expression)
    assert refused.value.part == "cron"


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "", "America", "x" * 300, "\0"])
def test_a_time_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(NoSuchTime) as refused:
        Cron("* * * * *", name)
    assert refused.value.part == "time_zone"


@given(st.text("0123456789*/-,LW#² \tSUNJA", max_size=30))
def test_whatever_is_written_is_times_or_refused(text: str) -> None:
    try:
        when = Cron(text)
    except NoSuchTime:
        return
    found = when.after(1e9)
    assert found is None or found > 1e9


@given(
    st.floats(1, 1e6),
    st.floats(0, 2e9),
    st.floats(0, 2e9),
)
def test_an_interval_is_reckoned_from_its_start(seconds: float, start: float, now: float) -> None:
    found = Every(seconds, start).after(now)
    assert found is not None
    assert found > now
    assert found <= max(now, start) + seconds * 1.001 + 1e-3
    assert (found - start) / seconds == pytest.approx(round((found - start) / seconds), abs=1e-3)


@settings(max_examples=40, deadline=None)  # what is compared with counts them one by one
@given(
    st.sampled_from(["*/7 3 * * *", "0 9 * * 1-5", "*/15 * * * *", "0 0 1 * *"]),
    st.floats(0, 12 * 86_400),
)
def test_the_last_time_before_a_moment_is_found_among_many(text: str, later: float) -> None:
    when, began = paris(text), at("2026-03-20T00:00")
    first = when.after(began)
    assert first is not None
    now, expected = first + later, first
    while (following := when.after(expected)) is not None and following <= now:
        expected = following
    assert last_until(when, first, now) == expected


def test_the_least_time_between_two_is_known() -> None:
    assert shortest_gap(Cron("0,1 9 * * *"), 0.0) == 60.0
    assert shortest_gap(Every(90.0, 0.0), 0.0) == 90.0
    assert shortest_gap(Once(5.0), 0.0) == float("inf")


@pytest.mark.parametrize(
    ("missed", "now", "expected"),
    [
        ("one", 130.0, Due(100.0, 100.0, 200.0)),
        ("one", 550.0, Due(500.0, 100.0, 600.0)),
        ("all", 550.0, Due(100.0, 100.0, 200.0)),
        ("none", 130.0, Due(100.0, 100.0, 200.0)),
        ("none", 550.0, Due(500.0, 100.0, 600.0)),
        ("none", 590.0, Due(500.0, 100.0, 600.0, is_dropped=True)),
    ],
)
def test_what_was_missed_comes_once_or_each_time_or_not(
    missed: Missed, now: float, expected: Due
) -> None:
    assert due(Every(100.0, 0.0), missed, 100.0, now) == expected


def test_one_time_that_was_missed_still_comes() -> None:
    assert due(Once(100.0), "one", 100.0, 1e6) == Due(100.0, 100.0, None)


def test_a_date_without_an_offset_is_of_the_zone() -> None:
    local = Plan({"at": "2027-01-31T09:00:00", "time_zone": "Europe/Paris"}, {}).times(0.0)
    assert local == Once(at("2027-01-31T09:00:00+01:00"))
    assert Plan({"at": "2027-01-31T08:00:00Z"}, {}).times(0.0) == local
    for wrong in ("tomorrow", "2027-02-30", "2027-01-31T25:00"):
        with pytest.raises(NoSuchTime):
            Plan({"at": wrong}, {}).times(0.0)
