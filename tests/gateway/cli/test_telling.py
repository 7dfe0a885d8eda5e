"""Whether an answer tells what its calls brought."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.cli.telling import tells


def brought(name: str, **result: Any) -> tuple[str, str]:
    return name, json.dumps(result)


SUM = brought("calculate", result="9846.153846153846")
MILES = brought("convert_units", value=16.09344, unit="kilometer")
NOW = brought("current_time", timezone="Europe/Rome", time="2026-11-22 19:38", weekday="Sunday")
SAVED = brought("save_note", note_id=12)
NOTES_OF_ONE = [{"note_id": 3, "text": "Boiler inspection on Friday"}]
NOTES = brought(
    "search_notes",
    notes=[
        {"note_id": 3, "text": "Boiler inspection on Friday"},
        {"note_id": 4, "text": "烤箱温度180度"},
    ],
)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("The result is 9846.153846153846.", SUM),
        ("You pay 9,846.15.", SUM),
        ("The result is 0.", brought("calculate", result="0")),
        ("The limit is infinity.", brought("calculate", result="Infinity")),
        ("That is 16.09344 kilometer.", MILES),
        ("About 16.1 km.", MILES),
        ("In Europe/Rome it is 19:38.", NOW),
        ("It is 7:38 PM in Rome.", NOW),
        ("现在是19：38，星期日。", NOW),
        ("Saved as note 12.", SAVED),
        ("The boiler inspection is on Friday; the oven (烤箱) wants 180度 温度.", NOTES),
        ("It is -40 there.", brought("convert_units", value=-40, unit="degree_Celsius")),
        ("Clear, 21 degrees.", ("get_weather", '{"sky": "clear", "wind": {"speed": 3}}')),
        ("He said it was fine.", ("ask", "it was fine")),
    ],
)
def test_an_answer_that_has_it(answer: str, result: tuple[str, str]) -> None:
    assert tells(answer, [result]) is True


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("The result is 9846.1.5.", SUM),
        ("You pay 9,846.25.", SUM),
        ("About 16 km.", MILES),
        ("It is 7:38 in the morning.", NOW),
        ("Saved as note 1.", SAVED),
        ("Saved.", SAVED),
        ("I found note 3: Boiler inspection on Friday.", NOTES),
        ("It is 512.", ("limit", '{"at": "nan"}')),
        ("It is 9.99e999999.", brought("calculate", result="1.25e-999999")),
        ("Something on Friday.", brought("search_notes", notes=NOTES_OF_ONE)),
        ("It is 40 there.", brought("convert_units", value=-40, unit="degree_Celsius")),
        ("Rain.", ("get_weather", '{"sky": "clear", "wind": {"speed": 3}}')),
        ("", SUM),
    ],
)
def test_an_answer_that_has_not(answer: str, result: tuple[str, str]) -> None:
    assert tells(answer, [result]) is False


def test_of_two_results_both_are_to_be_told() -> None:
    assert tells("That is 16.09344 kilometer. Saved as note 12.", [MILES, SAVED]) is True
    assert tells("That is 16.09344 kilometer.", [MILES, SAVED]) is False
    assert tells("Saved as note 12.", [MILES, SAVED]) is False


@pytest.mark.parametrize(
    "result",
    [brought("search_notes", notes=[]), ("fire", "{}"), ("fire", '{"ok": true}'), ("x", "")],
)
def test_where_there_is_nothing_to_tell_nobody_is_judged(result: tuple[str, str]) -> None:
    assert tells("Done.", [result]) is None
    assert tells("Done.", []) is None


def test_a_built_in_tools_name_over_another_result_is_judged_as_any_tool() -> None:
    assert tells("It is 5.", [brought("calculate", sum=5)]) is True
    assert tells("It is 6.", [brought("calculate", sum=5)]) is False
