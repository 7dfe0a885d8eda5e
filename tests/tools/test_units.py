from __future__ import annotations

import time
from typing import Any

import pytest

from tools.builtin.units import convert_units
from tools.errors import ToolFailed


@pytest.mark.parametrize(
    ("value", "here", "there", "result", "unit"),
    [
        (5, "miles", "km", 8.04672, "kilometer"), (2, "mile", "kilometers", 3.218688, "kilometer"),
        (100, "F", "C", 37.77777778, "degree_Celsius"), (98.6, "°F", "°C", 37, "degree_Celsius"),
        (37, "celsius", "Fahrenheit", 98.6, "degree_Fahrenheit"), (0, "K", "celsius", -273.15, "degree_Celsius"),
        (30, "摄氏度", "华氏度", 86, "degree_Fahrenheit"), (10, "公里", "英里", 6.213711922, "mile"),
        (5, "斤", "公斤", 2.5, "kilogram"), (3, "亩", "平方米", 2000, "meter ** 2"), (70, "公斤", "磅", 154.3235835, "pound"),
        (1, "加仑", "升", 3.785411784, "liter"), (6, "英尺", "米", 1.8288, "meter"),
        (1, "uk gallon", "liters", 4.54609, "liter"), (3, "square feet", "square meters", 0.27870912, "meter ** 2"),
        (60, "mph", "kilometers per hour", 96.56064, "kilometer / hour"), (1, "nautical mile", "km", 1.852, "kilometer"),
        (5, "kilometre", "metre", 5000, "meter"), (2, "Miles", "KM", 3.218688, "kilometer"), (100, "cm", "m", 1, "meter"),
        (12, "lbs", "kg", 5.44310844, "kilogram"), (5, "feet", "inches", 60, "inch"), (0, "m", "ft", 0, "foot"),
        (-40, "C", "F", -40, "degree_Fahrenheit"), (1, "m/s", "km/h", 3.6, "kilometer / hour"),
    ],
)  # fmt: skip
def test_a_quantity_is_given_in_another_unit(
    value: float, here: str, there: str, result: float, unit: str
) -> None:
    converted = convert_units(value, here, there)
    assert converted == {"value": result, "unit": unit}
    assert type(converted["value"]) is type(result)


@pytest.mark.parametrize(
    ("value", "here", "there", "why"),
    [
        (5, "kg", "meters", r"kilogram \(\[mass\]\) to meter \(\[length\]\)"),
        (5, "foo", "m", "unknown unit 'foo'"),
        (5, "kilometr", "m", "did you mean kilometer"),
        (5, "USD", "EUR", "unknown unit"),
        (5, "", "m", "unknown unit"),
        (1e308, "km", "mm", "too large"),
        (1, "m**9**9**9", "m", "unknown unit"),
        (1, "9**9**9", "m", "unknown unit"),
        (1, "__import__('os')", "m", "unknown unit"),
        (1, "m" * 10_000, "m", "unknown unit"),
    ],
)
def test_what_can_not_be_converted_is_refused_with_the_reason(
    value: Any, here: str, there: str, why: str
) -> None:
    convert_units(1, "m", "ft")  # the first call reads pint's definitions
    started = time.process_time()
    with pytest.raises(ToolFailed, match=why):
        convert_units(value, here, there)
    assert time.process_time() - started < 2
