"""Sums of several steps, put together from parts: a list of things, what comes on top or off, who pays.

The templates of `ask_math` hold whole stories; here the number of parts varies, so that the length of an
expression is learned and not remembered.
"""

from __future__ import annotations

import re

from models.nano.grammar import Ask, Source
from models.nano.math_slots import fill, slots
from models.nano.quantities import number, price, whole
from models.nano.wordings import sums as wordings

_VALUE = re.compile(r"sqrt\(|cbrt\(|\*\*|^p / 100 \* |^n1 / \d$|^\d / \d \* ")
_LOOSE = re.compile(r" [-+] ")


def bill(source: Source, chinese: bool = False) -> Ask:
    """A list of two to four parts, often with something that changes the sum."""
    rng, pick = source.rng, source.pick
    parts = wordings.PARTS_ZH if chinese else wordings.PARTS
    size = rng.choice([2, 2, 2, 3, 3, 4])
    tail, change = (
        pick(wordings.TAILS_ZH if chinese else wordings.TAILS) if source.chance(0.5) else ("", "S")
    )
    fills, values = slots(source, tail, chinese)
    money = fills["M1"].replace(fills["m1"], "#")  # one currency for all of it
    said: list[str] = []
    terms: list[str] = []
    for i in range(size if change == "S" else min(size, 3)):
        wording, term = pick(parts)
        here, there = slots(source, wording, chinese)
        small = str(rng.randint(2, 12)) if source.chance(0.8) else str(whole(source, 0))
        here["k"] = there["k"] = small
        here["m"], there["m"] = _cost(source)
        here["M"] = money.replace("#", here["m"])
        for slot in re.findall(r"\{(\w+)\}", wording):
            fills[f"{slot}_{i}"] = here[slot]
        said.append(re.sub(r"\{(\w+)\}", rf"{{\1_{i}}}", wording))
        terms.append(fill(term, there))
    fills["m5"], values["m5"] = _cost(source)
    fills["M5"] = money.replace("#", fills["m5"])
    fills["k5"] = values["k5"] = str(rng.randint(2, 12))
    expression = fill(change, values).replace("S", " + ".join(terms))
    joint = str(pick(wordings.JOINTS_ZH if chinese else wordings.JOINTS))
    last = (
        str(pick(wordings.JOINTS_ZH if chinese else wordings.LAST_JOINTS))
        if source.chance(0.6)
        else joint
    )
    text = joint.join(said[:-1]) + last + said[-1] + tail.replace("的?", rng.choice(["的", ""]))
    if change == "(S) / k5" and source.chance(0.7):
        text += wordings.SHARED_ZH if chinese else str(pick(wordings.SHARED))
    else:
        text += str(pick(wordings.ENDS_ZH if chinese else wordings.ENDS))
    text = source.say(str(pick(wordings.HEADS_ZH if chinese else wordings.HEADS)) + text)
    if not chinese and source.chance(0.5):
        text = text[0].upper() + text[1:]
    return Ask(text, fills, ("calculate", {"expression": expression}), "x", chinese)


def _cost(source: Source) -> tuple[str, str]:
    """What a thing costs in a shop, now and then any amount."""
    if source.chance(0.35):
        return price(source)
    cents = source.rng.choice(["", "", "", ".5", ".50", ".99", ".90", ".25", ".20", ".8"])
    cost = f"{source.rng.randint(1, source.rng.choice([9, 30, 90, 400]))}{cents}"
    return cost, cost


def values_in(table: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The powers, roots and shares among (phrase, expression): what can be gone on with without brackets."""
    return [
        (phrase, expression)
        for phrase, expression in table
        if _VALUE.search(expression) and not _LOOSE.search(expression) and "n4" not in expression
    ]


def chained(
    source: Source, values: list[tuple[str, str]], chinese: bool
) -> tuple[str, dict[str, str], str]:
    """(wording, fills, expression) of one of the `values_in` a table with which something more is done."""
    phrase, value = source.pick(values)
    if source.chance(0.75):
        also, step = source.pick(wordings.ON_ZH if chinese else wordings.ON)
        phrase += also
    else:
        also, step = source.pick(wordings.BEFORE_ZH if chinese else wordings.BEFORE)
        phrase = also + phrase
    fills, held = slots(source, phrase, chinese)
    return phrase, fills, fill(step.replace("V", value), held)


def written(source: Source) -> tuple[str, dict[str, str], str]:
    """An expression in signs of two to five operands, with or without blanks and brackets."""
    rng = source.rng
    size = rng.choice([2, 2, 2, 3, 3, 3, 4, 4, 5])
    names = [f"n{i}" for i in range(1, size + 1)]
    fills, values = {}, {}
    for name in names:
        fills[name], values[name] = number(source, negative=False)
        if size > 2 and source.chance(0.6):
            fills[name] = values[name] = str(rng.randint(2, rng.choice([9, 20, 99, 400])))
    expression = _nested(source, names)
    shown = re.sub(r"n\d", r"{\g<0>}", expression)
    if source.chance(0.45):
        shown = shown.replace(" ", "")
    if source.chance(0.3):
        times = rng.choice("x×××")
        shown = re.sub(r"(?<!\*)\*(?!\*)", times, shown).replace("/", rng.choice("÷÷/"))
    if "**" in shown and source.chance(0.7):
        shown = re.sub(r" ?\*\* ?2", rng.choice(["²", "^2"]), shown)
    return shown, fills, fill(expression, values)


def _nested(source: Source, names: list[str]) -> str:
    if len(names) == 1:
        return names[0] + (" ** 2" if source.chance(0.03) else "")
    cut = source.rng.randint(1, len(names) - 1)
    sides = [names[:cut], names[cut:]]
    left, right = (
        f"({_nested(source, side)})"
        if len(side) > 1 and source.chance(0.5)
        else _nested(source, side)
        for side in sides
    )
    return f"{left} {source.rng.choice('+-*/')} {right}"
