"""`convert_units`: a quantity in another unit, as pint knows units, in English and Chinese.

What it is: the spellings people use (`lbs`, `°F`, `square feet`, `公里`) on pint's definitions, offsets
of temperatures included, and a result with ten significant digits.
What it is not: currencies, or pint's expression parser: a unit is words, `*`, `/`, `per` and small
powers, nothing that could be made to compute at length.

pint takes most of a second to import and to read its definitions, so it is imported at the first call.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from tools.errors import ToolFailed
from tools.spec import JSONObject

if TYPE_CHECKING:
    from pint import UnitRegistry

_OWN = (
    "jin = 0.5 * kilogram",
    "liang = 50 * gram",
    "mu = 2000 / 3 * meter ** 2",
    "li = 500 * meter",
    "chi = meter / 3",
    "cun = meter / 30",
)
_CHINESE = {
    "公里": "kilometer", "千米": "kilometer", "米": "meter", "公尺": "meter", "分米": "decimeter",
    "厘米": "centimeter", "公分": "centimeter", "毫米": "millimeter", "微米": "micrometer",
    "纳米": "nanometer", "英里": "mile", "英尺": "foot", "英呎": "foot", "英寸": "inch", "吋": "inch",
    "码": "yard", "海里": "nautical_mile", "光年": "light_year", "里": "li", "尺": "chi", "寸": "cun",
    "千克": "kilogram", "公斤": "kilogram", "克": "gram", "毫克": "milligram", "吨": "metric_ton",
    "公吨": "metric_ton", "斤": "jin", "市斤": "jin", "两": "liang", "磅": "pound", "盎司": "ounce",
    "英石": "stone", "克拉": "carat", "升": "liter", "公升": "liter", "毫升": "milliliter",
    "加仑": "gallon", "品脱": "pint", "杯": "cup", "汤匙": "tablespoon", "茶匙": "teaspoon",
    "液量盎司": "fluid_ounce", "立方米": "meter ** 3", "立方厘米": "centimeter ** 3",
    "平方米": "meter ** 2", "平米": "meter ** 2", "平方公里": "kilometer ** 2",
    "平方千米": "kilometer ** 2", "平方厘米": "centimeter ** 2", "平方英尺": "foot ** 2",
    "平方英里": "mile ** 2", "公顷": "hectare", "亩": "mu", "英亩": "acre", "摄氏度": "degree_Celsius",
    "摄氏": "degree_Celsius", "华氏度": "degree_Fahrenheit", "华氏": "degree_Fahrenheit",
    "开尔文": "kelvin", "开": "kelvin", "秒": "second", "毫秒": "millisecond", "分钟": "minute",
    "分": "minute", "小时": "hour", "天": "day", "日": "day", "周": "week", "星期": "week",
    "月": "month", "年": "year", "公里每小时": "kilometer / hour", "千米每小时": "kilometer / hour",
    "公里/小时": "kilometer / hour", "米每秒": "meter / second", "英里每小时": "mile_per_hour",
    "节": "knot", "焦耳": "joule", "千焦": "kilojoule", "卡路里": "calorie", "卡": "calorie",
    "大卡": "kilocalorie", "千卡": "kilocalorie", "千瓦时": "kilowatt_hour", "瓦": "watt",
    "瓦特": "watt", "千瓦": "kilowatt", "马力": "horsepower", "帕": "pascal", "千帕": "kilopascal",
    "兆帕": "megapascal", "巴": "bar", "大气压": "atmosphere", "牛顿": "newton", "字节": "byte",
    "比特": "bit", "度": "degree", "弧度": "radian",
}  # fmt: skip
_SPELLINGS = {
    "centigrade": "degree_Celsius", "celsius": "degree_Celsius", "°c": "degree_Celsius",
    "℃": "degree_Celsius", "deg c": "degree_Celsius", "fahrenheit": "degree_Fahrenheit",
    "°f": "degree_Fahrenheit", "℉": "degree_Fahrenheit", "deg f": "degree_Fahrenheit",
    "°k": "kelvin", "km": "kilometer", "cm": "centimeter", "kg": "kilogram", "kgs": "kilogram", "kilo": "kilogram",
    "kms": "kilometer", "lb": "pound", "lbs": "pound", "cups": "cup", "sqm": "meter ** 2",
    "sqft": "foot ** 2", "sq ft": "foot ** 2", "kmh": "kilometer / hour", "kph": "kilometer / hour",
    "kmph": "kilometer / hour", "mps": "meter / second", "fl oz": "fluid_ounce", "floz": "fluid_ounce",
    "us gallon": "gallon", "uk gallon": "imperial_gallon", "british gallon": "imperial_gallon",
    "us pint": "pint", "uk pint": "imperial_pint", "us cup": "cup", "us ton": "short_ton",
    "uk ton": "long_ton", "us fluid ounce": "fluid_ounce", "uk fluid ounce": "imperial_fluid_ounce",
    "metric tonne": "metric_ton", "tonnes": "metric_ton", "pound force": "force_pound", "g": "gram",
    "tbsp": "tablespoon", "tsp": "teaspoon", "sec": "second", "secs": "second", "min": "minute",
    "mins": "minute", "hr": "hour", "hrs": "hour", '"': "inch", "'": "foot", "″": "inch", "′": "foot",
}  # fmt: skip
_LETTERS = {"c": "degree_Celsius", "f": "degree_Fahrenheit", "k": "kelvin"}
_WORD = r"(?:[^\W\d]|°)[\w°]*(?:\s*(?:\^|\*\*)\s*-?\d)?"
_FORM = re.compile(rf"{_WORD}(?:\s*[*/·]\s*{_WORD}){{0,4}}")
_DIGITS = 10


def convert_units(value: float, from_unit: str, to_unit: str) -> JSONObject:
    """`{"value", "unit"}`: ten significant digits, the unit by pint's singular name.

    Raises `ToolFailed` for an unknown unit, units of different dimensions and values out of range.
    """
    from pint.errors import DimensionalityError, OffsetUnitCalculusError

    registry = _registry()
    source, target = _temperatures(from_unit, to_unit)
    here, there = _unit(source), _unit(target)
    try:
        make: Any = registry.Quantity
        quantity = make(float(value), here)
        converted = float(quantity.to(there).magnitude)
    except DimensionalityError as error:
        raise ToolFailed(
            f"can't convert {here} ({here.dimensionality}) to {there} ({there.dimensionality}):"
            " the units measure different things"
        ) from error
    except (OffsetUnitCalculusError, OverflowError) as error:
        raise ToolFailed(f"can't convert {value} {here} to {there}: {str(error)[:100]}") from error
    if not math.isfinite(converted):
        raise ToolFailed(f"{value} {here} is too large to be given in {there}")
    return {"value": _natural(converted), "unit": str(there)}


def _natural(value: float) -> float | int:
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 10**15 else rounded


def _temperatures(from_unit: str, to_unit: str) -> tuple[str, str]:
    """`C` and `F` are coulomb and farad to pint; between two such letters people mean degrees."""
    pair = from_unit.strip(), to_unit.strip()
    for one, two in (pair, pair[::-1]):
        if one.lower() in _LETTERS and (
            two.lower() in _LETTERS or _spelled(two).startswith(("degree_C", "degree_F", "kelvin"))
        ):
            return _LETTERS.get(pair[0].lower(), pair[0]), _LETTERS.get(pair[1].lower(), pair[1])
    return pair


def _spelled(unit: str) -> str:
    """The unit in pint's words, where it has to be translated."""
    text = " ".join(unit.split())
    if text in _CHINESE:
        return _CHINESE[text]
    folded = text.casefold().removeprefix("degrees ").removeprefix("degree ")
    for name in (folded, folded.removesuffix("s")):
        if name in _SPELLINGS:
            return _SPELLINGS[name]
    text = re.sub(r"\s+per\s+", " / ", text)
    return re.sub(r"\b(sq|square|cu|cubic)\.?[ _]+([^\W\d]+)", _powered, text)


def _powered(match: re.Match[str]) -> str:
    word = _SPELLINGS.get(match[2], match[2])
    return f"{word} ** {2 if match[1].startswith('sq') else 3}"


@cache
def _registry() -> UnitRegistry[Any]:
    from pint import UnitRegistry

    registry = cast("UnitRegistry[Any]", UnitRegistry(autoconvert_offset_to_baseunit=True))
    for definition in _OWN:
        registry.define(definition)
    return registry


def _unit(said: str) -> Any:
    from pint.errors import PintError

    spelled = _spelled(said[:60])
    for name in dict.fromkeys((spelled, spelled.replace(" ", "_"), spelled.casefold())):
        for form in dict.fromkeys((name, name.casefold().replace(" ", "_"), name.casefold())):
            if not _FORM.fullmatch(form):
                continue
            try:
                return _registry().parse_units(form)
            except (PintError, AttributeError, TypeError, ValueError):
                continue  # pint knows no such unit; the next spelling may do
    raise ToolFailed(
        f"unknown unit {said[:60]!r}: give its English name, such as kilometer or pound{_near(said)}"
    )


def _near(said: str) -> str:
    from difflib import get_close_matches

    names = sorted(name for name in dir(_registry()) if name.isidentifier() and len(name) > 2)
    near = get_close_matches(said.casefold()[:40], names, n=3, cutoff=0.75)
    return f"; did you mean {' or '.join(near)}?" if near else ""
