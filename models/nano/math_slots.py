"""What fills the slots of the wordings for ``calculate``: as shown, and as it stands in the expression."""

from __future__ import annotations

import re

from models.nano.grammar import Source
from models.nano.quantities import clock, clock_zh, number, number_zh, price, whole
from models.nano.spoken import ordinal, spelled
from models.nano.words import NAMES, NAMES_ZH, city

_THINGS = (
    "apples|pens|shirts|books|tickets|bottles|eggs|chairs|mugs|pizzas|notebooks|plants|coins|stickers|cookies|"
    "lamps|candles|cards|tiles|bags|stamps|oranges|balloons|pencils|cupcakes|marbles|socks|bananas|towels|plates|"
    "toys|phones|cables|sandwiches|coffees|hats|bikes|muffins|donuts|keys"
).split("|")
_ZH = "苹果|铅笔|衬衫|书|票|杯子|椅子|笔记本|橙子|毛巾|口罩|西瓜|鸡蛋|饼干|气球|牛奶|月饼|贴纸|袜子|糖果|面包|玩具|水".split(
    "|"
)
_MEASURES = "个个个件本盒张瓶斤包支袋"
_DAYS = "Monday|Tuesday|Friday|Saturday|Sunday|the weekend|holiday".split("|")
_DAYS_ZH = "周一|周五|周末|昨天|前天|假期".split("|")
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_POWERS = re.compile("平方|立方|次方|次幂|自乘|开|根|√")
_SIGNS = set("^*×÷√²³%")


def slots(source: Source, template: str, chinese: bool) -> tuple[dict[str, str], dict[str, str]]:
    """(shown, values) for every slot that a template for ``calculate`` may have."""
    rng = source.rng
    shown: dict[str, str] = {}
    value: dict[str, str] = {}
    money = _currency(source, chinese)
    for i in "1234":
        shown[f"n{i}"], value[f"n{i}"] = (
            number_zh(source) if chinese else number(source, words=True)
        )
        shown[f"k{i}"] = value[f"k{i}"] = str(whole(source, 0))
        shown[f"m{i}"], value[f"m{i}"] = price(source)
        shown[f"M{i}"] = money.replace("#", shown[f"m{i}"])
    if _POWERS.search(template):  # what a power of -5 or its root should be is not for here
        for i in "1234":
            shown[f"n{i}"] = shown[f"n{i}"].removeprefix("-")
            value[f"n{i}"] = value[f"n{i}"].removeprefix("-")
    shown["p"] = value["p"] = _percentage(source)
    value["e1"] = str(rng.randint(2, 9 if source.chance(0.8) else 14))
    shown["e1"], shown["o1"] = value["e1"], ordinal(source, int(value["e1"]))
    shown["y1"] = value["y1"] = str(rng.randint(1900, 2015))
    shown["y2"] = value["y2"] = str(rng.randint(2016, 2060))
    shown["f"], value["f"] = _fraction(source, chinese)
    digits = rng.choice(
        [rng.randint(1, 9), rng.randint(1, 9), 10 * rng.randint(1, 9) + rng.choice([5, 8, 5, 2])]
    )
    shown["z"] = "".join(("零一二三四五六七八九"[int(d)]) for d in str(digits))
    if source.chance(0.5):
        shown["z"] = str(digits) if digits < 10 else rng.choice([str(digits), f"{digits / 10}"])
    value["z"] = f"0.{digits}"
    grade = rng.randint(1, 9)
    shown["g"], value["g"] = rng.choice([str(grade), "零一二三四五六七八九"[grade]]), f"0.{grade}"
    if not _SIGNS & set(template) and "}th" not in template and source.chance(0.12):
        _spell(source, shown, value, chinese)
    shown |= _colour(source, chinese)
    return shown, value


def fill(expression: str, values: dict[str, str]) -> str:
    """An expression with its slots filled: ``k1 * m1`` is ``3 * 12.50``."""
    return re.sub(r"\b[a-z]\d?\b", lambda match: values.get(match[0], match[0]), expression)


def _spell(source: Source, shown: dict[str, str], value: dict[str, str], chinese: bool) -> None:
    for slot, written in value.items():
        if slot[0] in "nkpe" and source.chance(0.8):
            shown[slot] = spelled(source, written, chinese) or shown[slot]


def _currency(source: Source, chinese: bool) -> str:
    if chinese:
        return str(source.rng.choice(["#元", "#元", "#块", "#块钱", "¥#", "#元钱", "#"]))
    return str(
        source.rng.choice(
            [
                "$#",
                "$#",
                "€#",
                "£#",
                "# dollars",
                "# euros",
                "# pounds",
                "# bucks",
                "#",
                "#€",
                "# USD",
                "# EUR",
            ]
        )
    )


def _percentage(source: Source) -> str:
    rng = source.rng
    if source.chance(0.8):
        return str(rng.choice([5, 8, 10, 12, 15, 18, 20, 25, 30, 40, 50, 60, 75]))
    return str(rng.choice([str(rng.randint(1, 99)), f"{rng.randint(1, 30)}.5"]))


def _fraction(source: Source, chinese: bool) -> tuple[str, str]:
    name, below = source.rng.choice(list(_PARTS.items())[1:])
    above = source.rng.randint(2, below - 1) if below > 2 else 1
    if chinese:
        if source.chance(0.3):
            return f"{below}分之{above}", f"{above} / {below}"
        return f"{_han(below)}分之{_han(above)}", f"{above} / {below}"
    words = "zero one two three four five six seven eight nine".split()
    said = f"{words[above]} {name}s" if source.chance(0.7) else f"{above}/{below}"
    return said, f"{above} / {below}"


def _han(value: int) -> str:
    return "零一二三四五六七八九十"[value]


def _colour(source: Source, chinese: bool) -> dict[str, str]:
    """Names, things, places, days: none of them is an operand."""
    rng = source.rng
    name, other = rng.sample(NAMES_ZH if chinese else NAMES, 2)
    thing = str(source.pick(_THINGS))
    one = thing.removesuffix("es") if thing == "sandwiches" else thing.removesuffix("s")
    return {
        "name": name,
        "name2": other,
        "n": name,
        "N": name[0].upper() + name[1:],
        "thing": thing,
        "one": one,
        "zh": str(source.pick(_ZH)),
        "q": rng.choice(_MEASURES),
        "c": city(source, chinese),
        "t": clock_zh(source) if chinese else clock(source),
        "d": rng.choice(_DAYS_ZH if chinese else _DAYS),
        "day": rng.choice(_DAYS_ZH if chinese else _DAYS),
    }
