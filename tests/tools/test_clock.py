from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from tools.builtin.clock import convert_time, current_time
from tools.builtin.places import find_zone
from tools.builtin.time_of_day import read_time
from tools.errors import ToolFailed


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Tokyo", "Asia/Tokyo"), ("new york", "America/New_York"), ("New_York", "America/New_York"),
        ("纽约", "America/New_York"), ("北京", "Asia/Shanghai"), ("上海市", "Asia/Shanghai"),
        ("东京时间", "Asia/Tokyo"), ("San Francisco", "America/Los_Angeles"), ("Mumbai", "Asia/Kolkata"),
        ("São Paulo", "America/Sao_Paulo"), ("Cape Town", "Africa/Johannesburg"),
        ("Abu Dhabi", "Asia/Dubai"), ("gold coast", "Australia/Brisbane"), ("Tel Aviv", "Asia/Jerusalem"),
        ("Zürich", "Europe/Zurich"), ("Washington, D.C.", "America/New_York"),
        ("Paris, France", "Europe/Paris"), ("Japan", "Asia/Tokyo"), ("日本", "Asia/Tokyo"), ("Germany", "Europe/Berlin"),
        ("UTC", "UTC"), ("PST", "America/Los_Angeles"), ("EST", "America/New_York"), ("CET", "CET"),
        ("GMT+8", "UTC+08:00"), ("utc-3:30", "UTC-03:30"), ("UTC+0", "UTC"), ("asia/tokyo", "Asia/Tokyo"),
        ("Etc/GMT+8", "Etc/GMT+8"), ("Kathmandu", "Asia/Kathmandu"), ("tokyo time", "Asia/Tokyo"),
    ],
)  # fmt: skip
def test_a_place_has_its_time_zone(place: str, zone: str) -> None:
    assert find_zone(place)[0] == zone


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        ("Tokio", "Asia/Tokyo"), ("town", "no time zone"), ("gold", "no time zone"), ("sao", "no time zone"),
        ("CST", "could be"), ("USA", "name one"), ("Atlantis 9", "no time zone"),
        ("", "no time zone"), ("x" * 10_000, "no time zone"), ("../../etc/passwd", "no time zone"), ("UTC+25", "does not exist"),
    ],
)  # fmt: skip
def test_an_unknown_or_ambiguous_place_is_refused_with_a_hint(place: str, hint: str) -> None:
    with pytest.raises(ToolFailed, match=hint):
        find_zone(place)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("9 am", time(9)), ("9am", time(9)), ("9:30pm", time(21, 30)), ("9.30 p.m.", time(21, 30)),
        ("21:15", time(21, 15)), ("21", time(21)), ("0900", time(9)), ("15h30", time(15, 30)),
        ("12 am", time(0)), ("12 pm", time(12)), ("12:30 AM", time(0, 30)), ("noon", time(12)),
        ("midnight", time(0)), ("24:00", time(0)), ("3 o'clock", time(3)), ("3 in the afternoon", time(15)),
        ("下午3点", time(15)), ("15点30分", time(15, 30)), ("上午9点半", time(9, 30)), ("晚上十点半", time(22, 30)),
        ("凌晨2点", time(2)), ("中午12点", time(12)), ("晚上12点", time(0)), ("下午3:30", time(15, 30)),
        ("二十三点", time(23)), ("下午三点一刻", time(15, 15)), ("15：30", time(15, 30)),
    ],
)  # fmt: skip
def test_a_time_of_day_is_read(said: str, wanted: time) -> None:
    assert read_time(said) == wanted


@pytest.mark.parametrize(
    "said", ["", "25:00", "9:75", "13 am", "tomorrow", "5 years", "2026-11-21 15:30", "9" * 500]
)
def test_what_is_no_time_of_day_is_refused(said: str) -> None:
    with pytest.raises(ToolFailed, match="is no time of day"):
        read_time(said)


def test_the_current_time_follows_daylight_saving() -> None:
    winter = current_time("London", lambda: at(2026, 1, 15, 12, 0))
    summer = current_time("London", lambda: at(2026, 7, 15, 12, 0))
    assert (winter["time"], summer["time"]) == ("2026-01-15 12:00", "2026-07-15 13:00")
    assert winter == {
        "timezone": "Europe/London",
        "time": "2026-01-15 12:00",
        "weekday": "Thursday",
    }


@pytest.mark.parametrize(
    ("said", "here", "there", "now", "time_there", "day"),
    [
        ("9 am", "London", "Tokyo", at(2026, 1, 15, 12), "18:00", "same day"),
        ("9 am", "London", "Tokyo", at(2026, 7, 15, 12), "17:00", "same day"),
        ("20:00", "New York", "Tokyo", at(2026, 1, 15, 12), "10:00", "next day"),
        ("8 am", "Tokyo", "Los Angeles", at(2026, 1, 15, 12), "15:00", "previous day"),
        ("noon", "UTC", "Mumbai", at(2026, 1, 15, 12), "17:30", "same day"),
        # between the changes of clocks in America and in Europe
        ("9 am", "New York", "London", at(2026, 3, 20, 12), "13:00", "same day"),
        (
            "00:30",
            "Pacific/Kiritimati",
            "Etc/GMT+12",
            at(2026, 1, 15, 12),
            "22:30",
            "2 days earlier",
        ),
    ],
)
def test_a_time_is_converted_with_the_rules_of_that_day(  # noqa: PLR0917  # one for each column
    said: str, here: str, there: str, now: datetime, time_there: str, day: str
) -> None:
    converted = convert_time(said, here, there, lambda: now)
    assert (converted["time"], converted["day"]) == (time_there, day)
