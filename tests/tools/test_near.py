from __future__ import annotations

import time

from tools.near import near_names

KNOWN = [
    "get_weather",
    "set_weather",
    "send_mail",
    "search_notes",
    "delete_note",
    "add",
    "calculate",
]


def test_names_are_suggested_best_first() -> None:
    assert near_names("get_wether", KNOWN) == ("get_weather", "set_weather")
    assert near_names("Get-Weather", KNOWN)[0] == "get_weather"
    assert near_names("getWeather", KNOWN)[0] == "get_weather"
    assert near_names("dad", KNOWN) == ("add",)


def test_what_resembles_nothing_has_no_near_names() -> None:
    assert near_names("zzz", KNOWN) == ()
    assert near_names("", KNOWN) == ()
    assert near_names("get_weather", []) == ()


def test_thousands_of_tools_and_a_long_name_take_little_time() -> None:
    known = [f"service_{i}_{verb}" for i in range(1_000) for verb in ("get", "set", "list")]
    started = time.process_time()
    near_names("service_77_gett" * 10_000, known)
    assert "service_77_get" in near_names("service_77_gett", known)
    assert time.process_time() - started < 1
