"""Sums of several steps, put together from parts: a list of things, what comes on top or off, who pays.

The templates of `ask_math` hold whole stories; here the number of parts varies, so that the length of an
expression is learned and not remembered.
"""

from __future__ import annotations

import re

from models.nano.grammar import Ask, Source
from models.nano.math_slots import fill, slots
from models.nano.quantities import number, price, whole

# (wording of a part, its expression), with the slots of one part.
PARTS = [
    ("{k} {thing} [at|for] {M} [each|apiece|a piece]", "k * m"),
    ("{k} {thing} at {M}", "k * m"),
    ("{k} {thing} that cost {M} each", "k * m"),
    ("{k}x {one} {M}", "k * m"),
    ("{k} x {M}", "k * m"),
    ("a {one} for {M}", "m"),
    ("a {one} at {M}", "m"),
    ("[a|the|one] {one} ({M})", "m"),
    ("{M} for the {one}", "m"),
    ("{M} for {thing}", "m"),
    ("{one} {M}", "m"),
    ("{M}", "m"),
    ("{k} {thing}, {M} each", "k * m"),
]
PARTS_ZH = [
    ("{k}{q}{zh}每{q}{M}", "k * m"),
    ("{k}{q}{zh}，每{q}{M}", "k * m"),
    ("{k}{q}{M}的{zh}", "k * m"),
    ("{zh}{k}{q}，一{q}{M}", "k * m"),
    ("{zh}{M}一{q}，[买|要|拿]{k}{q}", "m * k"),
    ("一{q}{zh}{M}", "m"),
    ("一{q}{M}的{zh}", "m"),
    ("{zh}{M}", "m"),
    ("{M}的{zh}", "m"),
]
HEADS = [
    *["I bought ", "we got ", "[my|the|our] order: ", "I need ", "[add up|total up|sum up] "],
    *["[how much is|how much are|what do I pay for|what's the total for] ", "shopping list: "],
    *["{name} ordered ", "on {d} I bought ", "if I take ", "say I order ", "the receipt says ", ""],
]
HEADS_ZH = [
    *[
        "我买了",
        "[买|要买]",
        "算一下",
        "[清单|订单|购物车]：",
        "[今天|{d}]买了",
        "{name}买了",
        "如果买",
    ],
    *["一共有", "帮我加一下：", "点了", ""],
]
JOINTS = [" and ", ", ", " plus ", ", plus ", " and also ", ", then ", " + ", " as well as "]
JOINTS_ZH = ["，", "，再加", "，还有", "和", "加上", "，另外", "、", "，外加", "，再买"]
# (wording, how it changes the sum S); further slots: p a percentage, m5 money, k5 people.
TAILS = [
    (", with {p}[%| percent] off", "(S) * (1 - p / 100)"),
    (", minus {p}[%| percent]", "(S) * (1 - p / 100)"),
    (" plus {p}[%| percent] [tax|VAT|tip|service]", "(S) * (1 + p / 100)"),
    (", {p}% [tax|VAT|service] on top", "(S) * (1 + p / 100)"),
    (", [less|minus] [a coupon of |a voucher of |a voucher over |]{M5}", "S - m5"),
    (", and {M5} off", "S - m5"),
    (", [with|plus] {M5} [shipping|delivery|postage]", "S + m5"),
    (", [split|shared|divided] [between|among|by] {k5} [people|of us|friends|]", "(S) / k5"),
    (", and {k5} of us [split|share] it", "(S) / k5"),
    (", each [month|week|day], for {k5} [of them|months|weeks|days]", "(S) * k5"),
]
TAILS_ZH = [
    ("，打{z}折", "(S) * z"),
    ("，[优惠|便宜|减免]{p}%", "(S) * (1 - p / 100)"),
    ("，加{p}%的[税|服务费]", "(S) * (1 + p / 100)"),
    ("，[减去|用了|用]{M5}的?优惠券", "S - m5"),
    ("，[立减|少收]{M5}", "S - m5"),
    ("，[运费|配送费|打包费]{M5}", "S + m5"),
    ("，{k5}个人[平分|AA|平摊|分摊]", "(S) / k5"),
    ("，这样的来{k5}份", "(S) * k5"),
]
ENDS = [
    *["[. What's the total?|, what's that in total?|, how much is it?|, what do I pay?]", "?", "."],
    *["[. How much is that?|, how much altogether?|. Total?|, what does that come to?]", ""],
    *["[ - what's the sum?| = ?| comes to what?| makes how much?|. How much did that cost?]"],
]
ENDS_ZH = [
    *[
        "，[一共|总共|合计|加起来][多少钱|多少|是多少|花了多少]？",
        "，多少钱",
        "，[算算|算一下][总价|多少钱]",
    ],
    *["[一共|总共]多少？", "，要付多少[钱|]？", ""],
]
_SHARED_ZH = "，每人[多少|多少钱|付多少|出多少]？"
_SHARED = [". What does each pay?", ", how much each?", ". How much per person?", ", each pays?"]


def bill(source: Source, chinese: bool = False) -> Ask:
    """A list of two to four parts, often with something that changes the sum."""
    rng, pick = source.rng, source.pick
    parts = PARTS_ZH if chinese else PARTS
    size = rng.choice([2, 2, 2, 3, 3, 4])
    tail, change = pick(TAILS_ZH if chinese else TAILS) if source.chance(0.5) else ("", "S")
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
    joint = str(pick(JOINTS_ZH if chinese else JOINTS))
    last = str(pick(JOINTS_ZH if chinese else JOINTS[:4])) if source.chance(0.6) else joint
    text = joint.join(said[:-1]) + last + said[-1] + tail.replace("的?", rng.choice(["的", ""]))
    if change == "(S) / k5" and source.chance(0.7):
        text += _SHARED_ZH if chinese else str(pick(_SHARED))
    else:
        text += str(pick(ENDS_ZH if chinese else ENDS))
    text = source.say(str(pick(HEADS_ZH if chinese else HEADS)) + text)
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


_VALUE = re.compile(r"sqrt\(|cbrt\(|\*\*|^p / 100 \* |^n1 / \d$|^\d / \d \* ")
_LOOSE = re.compile(r" [-+] ")
# (what is done with a value further, expression), V the value, n4 a number.
ON = [
    *[
        (" plus {n4}", "V + n4"),
        (" minus {n4}", "V - n4"),
        (" [times|multiplied by] {n4}", "V * n4"),
    ],
    *[(" divided by {n4}", "V / n4"), (" + {n4}", "V + n4"), (" - {n4}", "V - n4")],
    *[(", plus {n4}", "V + n4"), (", minus {n4}", "V - n4"), (" and [then |]add {n4}", "V + n4")],
    *[(" less {n4}", "V - n4"), (" * {n4}", "V * n4"), (" / {n4}", "V / n4")],
]
ON_ZH = [
    *[("[加|加上|再加|，再加上]{n4}", "V + n4"), ("[减|减去|再减|，再减去]{n4}", "V - n4")],
    *[("[乘|乘以|再乘以]{n4}", "V * n4"), ("[除以|再除以]{n4}", "V / n4")],
    *[(" + {n4}", "V + n4"), (" - {n4}", "V - n4")],
]
BEFORE = [("{n4} plus ", "n4 + V"), ("{n4} minus ", "n4 - V"), ("{n4} times ", "n4 * V")]
BEFORE_ZH = [("{n4}[加|加上]", "n4 + V"), ("{n4}[减|减去]", "n4 - V"), ("{n4}乘以", "n4 * V")]


def chained(
    source: Source, table: list[tuple[str, str]], chinese: bool
) -> tuple[str, dict[str, str], str]:
    """(wording, fills, expression) of a power, root or share with which something more is done."""
    values = [
        (phrase, expression)
        for phrase, expression in table
        if _VALUE.search(expression) and not _LOOSE.search(expression) and "n4" not in expression
    ]
    phrase, value = source.rng.choice(values)
    if source.chance(0.75):
        also, step = source.rng.choice(ON_ZH if chinese else ON)
        phrase += also
    else:
        also, step = source.rng.choice(BEFORE_ZH if chinese else BEFORE)
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
        square = "**2" if "**2" in shown else "** 2"
        shown = shown.replace(square, rng.choice(["²", "^2"])) if square in shown else shown
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
