"""Requests for ``calculate``: bare expressions, words for operators, percentages, small stories."""

from __future__ import annotations

from models.nano.grammar import Ask, Source
from models.nano.math_slots import fill, slots
from models.nano.stories import stories
from models.nano.sums import bill, chained, values_in, written
from models.nano.wordings import (
    math_en,
    math_zh,
    people_functions,
    people_math_en,
    people_math_zh,
)

# (phrase that names a value, expression); "n" slots are numbers, "p" percentages, "k" small wholes,
# "m" amounts of money.
PHRASES = [
    ("{n1} plus {n2}", "n1 + n2"),
    ("{n1} [plus|+|and] {n2} [plus|+] {n3}", "n1 + n2 + n3"),
    ("{n1} minus {n2}", "n1 - n2"),
    ("{n1} [times|multiplied by|x] {n2}", "n1 * n2"),
    ("{n1} [divided by|over] {n2}", "n1 / n2"),
    ("the sum of {n1} and {n2}", "n1 + n2"),
    ("the product of {n1} and {n2}", "n1 * n2"),
    ("the difference between {n1} and {n2}", "n1 - n2"),
    ("the difference of {n1} and {n2}", "n1 - n2"),
    ("the quotient of {n1} and {n2}", "n1 / n2"),
    ("{n1} squared", "n1 ** 2"),
    ("{n1} cubed", "n1 ** 3"),
    ("the square of {n1}", "n1 ** 2"),
    ("the cube of {n1}", "n1 ** 3"),
    ("{k1} to the [power of|power] {k2}", "k1 ** k2"),
    ("{k1} raised to the [power of|power] {k2}", "k1 ** k2"),
    ("{k1} to the {k2}th power", "k1 ** k2"),
    ("{k1}^{k2}", "k1 ** k2"),
    ("{k1} ^ {k2}", "k1 ** k2"),
    ("{k1} ** {k2}", "k1 ** k2"),
    ("the square root of {n1}", "sqrt(n1)"),
    ("square root of {n1}", "sqrt(n1)"),
    ("root of {n1}", "sqrt(n1)"),
    ("sqrt({n1})", "sqrt(n1)"),
    ("sqrt {n1}", "sqrt(n1)"),
    ("√{n1}", "sqrt(n1)"),
    ("the root of {n1}", "sqrt(n1)"),
    ("{p}[%| %| percent| per cent] of {n1}", "p / 100 * n1"),
    ("{p}[%| percent] of {m1}", "p / 100 * m1"),
    ("{p}% of [$|€|£]{m1}", "p / 100 * m1"),
    ("[a|the] {p}[%| percent] tip on [$|€|£|]{m1}", "p / 100 * m1"),
    ("{p}[%| percent] tax on [$|€|£|]{m1}", "p / 100 * m1"),
    ("{p}% off [$|€|£|]{m1}", "m1 - p / 100 * m1"),
    ("[$|€|£|]{m1} plus {p}[%| percent] [tax|tip|VAT]", "m1 + p / 100 * m1"),
    ("[$|€|£|]{m1} minus {p}[%| percent]", "m1 - p / 100 * m1"),
    ("half of {n1}", "n1 / 2"),
    ("a third of {n1}", "n1 / 3"),
    ("a quarter of {n1}", "n1 / 4"),
    ("twice {n1}", "n1 * 2"),
    ("[two|2] thirds of {n1}", "2 / 3 * n1"),
    ("three quarters of {n1}", "3 / 4 * n1"),
    ("the average of {n1} and {n2}", "(n1 + n2) / 2"),
    ("the average of {n1}, {n2} and {n3}", "(n1 + n2 + n3) / 3"),
    ("the total of {n1}, {n2} and {n3}", "n1 + n2 + n3"),
    ("the sum of {n1}, {n2} and {n3}", "n1 + n2 + n3"),
    ("{n1} plus {n2} minus {n3}", "n1 + n2 - n3"),
    ("{n1} times {n2} plus {n3}", "n1 * n2 + n3"),
    ("{n1} times {n2} minus {n3}", "n1 * n2 - n3"),
    ("{n1} plus {n2} times {n3}", "n1 + n2 * n3"),
    ("{n1} times {n2} times {n3}", "n1 * n2 * n3"),
    ("{n1} less {n2}", "n1 - n2"),
    ("{n1} take away {n2}", "n1 - n2"),
    ("{n1} multiplied with {n2}", "n1 * n2"),
    ("the remainder of {n1} divided by {k1}", "n1 % k1"),
    ("{n1} mod {k1}", "n1 % k1"),
    ("{n1} added to {n2}", "n1 + n2"),
    ("{n1} subtracted from {n2}", "n2 - n1"),
    ("{n1}×{n2}", "n1 * n2"),
    ("{n1} × {n2}", "n1 * n2"),
    ("{n1} ÷ {n2}", "n1 / n2"),
    ("{n1}÷{n2}", "n1 / n2"),
]
VERBS = [
    ("add {n1} and {n2}", "n1 + n2"),
    ("add {n1} to {n2}", "n2 + n1"),
    ("add up {n1}, {n2} and {n3}", "n1 + n2 + n3"),
    ("subtract {n1} from {n2}", "n2 - n1"),
    ("take {n1} from {n2}", "n2 - n1"),
    ("multiply {n1} [by|with|and] {n2}", "n1 * n2"),
    ("divide {n1} by {n2}", "n1 / n2"),
    ("square {n1}", "n1 ** 2"),
    ("double {n1}", "n1 * 2"),
    ("halve {n1}", "n1 / 2"),
    ("split [$|€|£|]{m1} [between|among] {k1} [people|friends|of us]", "m1 / k1"),
    ("divide [$|€|£|]{m1} [equally |evenly |]among {k1} [people|friends|colleagues]", "m1 / k1"),
    ("take {p}[%| percent] off [$|€|£|]{m1}", "m1 - p / 100 * m1"),
    ("sum {n1} and {n2}", "n1 + n2"),
]
STORIES = [
    (
        "[I bought|we bought|she bought] {k1} {thing} at [$|€|£|]{m1} each[. What did that cost in total?|, how much is that [altogether|in total]?|. What's the total?]",
        "k1 * m1",
    ),
    ("[If|Suppose] one {one} costs [$|€|£|]{m1}, [how much do|what do] {k1} cost?", "k1 * m1"),
    ("[how much are|what do] {k1} {thing} cost at [$|€|£|]{m1} [each|apiece]?", "k1 * m1"),
    (
        "[The bill is|dinner was|the bill came to|our bill is] [$|€|£|]{m1} and [we are|there are] {k1} [people|of us]. [How much does each pay?|What does each of us owe?|What's that per person?]",
        "m1 / k1",
    ),
    (
        "[how do we|please] split [a bill of|] [$|€|£|]{m1} [between|among] {k1} [people|friends]?",
        "m1 / k1",
    ),
    (
        "{k1} [friends|people|of us] share [$|€|£|]{m1} equally[, how much does each get?|. How much is that each?]",
        "m1 / k1",
    ),
    (
        "[The|Our] [bill|dinner|lunch] [is|was|came to] [$|€|£|]{m1}[.|,] [how much is|what is|what's] a {p}[%| percent] tip?",
        "p / 100 * m1",
    ),
    ("what's the tip if I [leave|give] {p}[%| percent] on [$|€|£|]{m1}?", "p / 100 * m1"),
    (
        "[A|The] {one} costs [$|€|£|]{m1} and is {p}[%| percent] off[. What do I pay?|, what's the new price?|. What is the price now?]",
        "m1 - p / 100 * m1",
    ),
    (
        "what is the price of a [$|€|£]{m1} {one} after [a |]{p}[%| percent] [off|discount]?",
        "m1 - p / 100 * m1",
    ),
    (
        "[I earn|I make|my salary is] [$|€|£|]{m1} a month[, how much is that a year?|. What's that per year?]",
        "m1 * 12",
    ),
    (
        "I [pay|paid] [with|] [$|€|£|]{m1} for [something|a {one}] that costs [$|€|£|]{m2}[, how much change do I get?|. What's my change?]",
        "m1 - m2",
    ),
    (
        "I had [$|€|£|]{m1} and [spent|paid] [$|€|£|]{m2}[, how much is left?|. What do I have left?|, what remains?]",
        "m1 - m2",
    ),
    (
        "{name} has {k1} {thing} and {name2} has {k2}[, how many [do they have|are there] together?|. How many is that in total?]",
        "k1 + k2",
    ),
    (
        "There are {k1} [boxes|bags|crates|packs] with {k2} {thing} [each|in each][, how many {thing} is that?|. How many are there in total?|. How many {thing} in all?]",
        "k1 * k2",
    ),
    (
        "[I have|we have|there are] {k1} rows of {k2} [seats|chairs|trees][, how many in total?|. How many is that?]",
        "k1 * k2",
    ),
    (
        "[A|My] room is {n1} by {n2} [meters|feet|m][, what is its area?|. What's the area?|. how big is it?]",
        "n1 * n2",
    ),
    ("what's the area of a {n1} by {n2} [room|field|garden|rectangle]?", "n1 * n2"),
    ("[what's|what is] the area of a square with side {n1}?", "n1 ** 2"),
    (
        "I [drive|run|walk|ride] {n1} km [a|per|every] day[, how much is that in {k1} days?|. How far is that in {k1} days?]",
        "n1 * k1",
    ),
    (
        "[I need|we need] to share {k1} {thing} among {k2} [kids|guests|people][, how many does each get?|. How many each?]",
        "k1 / k2",
    ),
    (
        "[My order|The order] is [$|€|£|]{m1}, [$|€|£|]{m2} and [$|€|£|]{m3}[. What's the total?|, what does it add up to?]",
        "m1 + m2 + m3",
    ),
    (
        "[the prices are|I spent|we paid] [$|€|£|]{m1}, [$|€|£|]{m2} and [$|€|£|]{m3}[. how much is that together?|, what's the total?|, how much in total?]",
        "m1 + m2 + m3",
    ),
    ("{k1} {thing} for [$|€|£|]{m1}[, how much is one?|. What's the price of one?]", "m1 / k1"),
    (
        "{n1} out of {n2} [people|students|voters] [said yes|agreed|passed][, what percentage is that?|. What percent is that?]",
        "n1 / n2 * 100",
    ),
    ("what percent[age|] of {n2} is {n1}?", "n1 / n2 * 100"),
    (
        "I [save|put aside] [$|€|£|]{m1} [every|a|each] [week|month] for {k1} [weeks|months][. How much will I have?|, how much is that?]",
        "m1 * k1",
    ),
    (
        "I had {k1} {thing}, [ate|lost|gave away|sold] {k2} [of them|][, how many are left?|. How many remain?]",
        "k1 - k2",
    ),
    (
        "{k1} [nights|days|hours] at [$|€|£|]{m1} per [night|day|hour][, what's the total?|. How much is that?]",
        "k1 * m1",
    ),
    (
        "I bought {k1} {thing} at [$|€|£|]{m1} each and a {one} for [$|€|£|]{m2}[, what's the total?|. How much did I spend?]",
        "k1 * m1 + m2",
    ),
]
PHRASES_ZH = [
    ("{n1}加{n2}", "n1 + n2"),
    ("{n1}加上{n2}", "n1 + n2"),
    ("{n1}减{n2}", "n1 - n2"),
    ("{n1}减去{n2}", "n1 - n2"),
    ("{n1}乘{n2}", "n1 * n2"),
    ("{n1}乘以{n2}", "n1 * n2"),
    ("{n1}除以{n2}", "n1 / n2"),
    ("{n1}的平方", "n1 ** 2"),
    ("{n1}的立方", "n1 ** 3"),
    ("{k1}的{k2}次方", "k1 ** k2"),
    ("{n1}的平方根", "sqrt(n1)"),
    ("根号{n1}", "sqrt(n1)"),
    ("{n1}开平方", "sqrt(n1)"),
    ("{n1}的百分之{p}", "p / 100 * n1"),
    ("{n1}的{p}%", "p / 100 * n1"),
    ("{m1}[元|块|]的{p}%", "p / 100 * m1"),
    ("{n1}和{n2}的和", "n1 + n2"),
    ("{n1}与{n2}的差", "n1 - n2"),
    ("{n1}和{n2}的积", "n1 * n2"),
    ("{n1}与{n2}的乘积", "n1 * n2"),
    ("{n1}和{n2}的平均数", "(n1 + n2) / 2"),
    ("{n1}、{n2}和{n3}的平均值", "(n1 + n2 + n3) / 3"),
    ("{n1}加{n2}再加{n3}", "n1 + n2 + n3"),
    ("{n1}、{n2}、{n3}的总和", "n1 + n2 + n3"),
    ("{n1}×{n2}", "n1 * n2"),
    ("{n1}÷{n2}", "n1 / n2"),
    ("{n1}的一半", "n1 / 2"),
    ("{n1}的三分之一", "n1 / 3"),
    ("{n1}的两倍", "n1 * 2"),
    ("{n1}的四分之一", "n1 / 4"),
    ("{n1}的{k1}倍", "n1 * k1"),
    ("{n1}乘以{n2}再加{n3}", "n1 * n2 + n3"),
    ("{n1}乘{n2}减{n3}", "n1 * n2 - n3"),
    ("{n1}加{n2}减{n3}", "n1 + n2 - n3"),
]
STORIES_ZH = [
    (
        "[每个|一个|每件|一本|一张]{m1}[元|块|块钱]，[买|要]{k1}[个|件|本|张][一共|总共]多少钱[？|?|]",
        "k1 * m1",
    ),
    (
        "[我|我们]买了{k1}[个|件|本|斤|盒]{zh}，每[个|件|本|斤|盒]{m1}[元|块]，[一共|总共][多少钱|花了多少]？",
        "k1 * m1",
    ),
    ("{m1}[元|块|块钱]{k1}个人[平分|AA|均分]，每人[多少|付多少|多少钱]？", "m1 / k1"),
    (
        "[账单|饭钱|晚饭][是|一共|花了]{m1}[元|块]，{k1}个人[平摊|AA]，每人[多少|出多少钱|多少钱]？",
        "m1 / k1",
    ),
    ("[账单|消费]{m1}[元|块]，{p}%的小费是多少[？|]", "p / 100 * m1"),
    ("[原价|标价]{m1}[元|块]，[打折|优惠|便宜]{p}%[后|以后|][是|要]多少钱？", "m1 - p / 100 * m1"),
    ("我有{m1}[元|块]，花了{m2}[元|块]，还剩多少[？|钱？]", "m1 - m2"),
    ("[房间|院子|一块地]长{n1}米、?宽{n2}米，面积[是|有]多少[？|]", "n1 * n2"),
    ("{name}有{k1}[个|本|颗]，{name2}有{k2}[个|本|颗]，[一共|总共]有多少？", "k1 + k2"),
    ("[有|一共]{k1}箱，每箱{k2}[瓶|个|件]，[一共|总共]多少[瓶|个|件]？", "k1 * k2"),
    ("[我|他]每[天|月|周][存|赚|花]{m1}[元|块]，{k1}[天|个月|周][一共|是]多少[？|钱？]", "m1 * k1"),
    ("{k1}[个苹果|颗糖|本书]分给{k2}个[孩子|人|学生]，每人[几个|多少]？", "k1 / k2"),
    ("{n1}占{n2}的百分之多少[？|]", "n1 / n2 * 100"),
    ("三样东西分别是{m1}、{m2}和{m3}[元|块]，[总共|一共]多少？", "m1 + m2 + m3"),
]
_ASKING = [
    "[what's|what is|whats|how much is|what does] {}",
    "what's {}",
    "how much is {}",
    "what is {}",
    "{} is how much",
    "{} equals what",
    "what do you get for {}",
    "do you know what {} is",
    "[can|could|would] you [tell me|work out|figure out|calculate|compute] [what|how much] {} is",
    "what would {} be",
]
_TELLING = [
    "calculate {}",
    "compute {}",
    "[work out|figure out|evaluate|solve] {}",
    "[give|tell] me {}",
    "find {}",
    "I need {}",
    "I [want|would like|'d like] to know {}",
    "tell me what {} is",
    "{}",
    "let me know what {} is",
    "calc {}",
]
_ASKING_ZH = [
    "{}[是|等于]多少",
    "{}等于几",
    "{}[得多少|得几|等于多少]",
    "请问{}[是|等于]多少",
    "[你|]知道{}是多少吗",
    "{}是几",
]
_TELLING_ZH = [
    "[算一下|计算|帮我算一下|请计算|算算|求|帮我算|计算一下|请算出|我想知道|告诉我]{}",
    "[算|计算]{}",
    "{}",
]


PHRASES.extend(math_en.PHRASES + people_math_en.PHRASES + people_functions.PHRASES)
VERBS.extend(math_en.VERBS + people_math_en.VERBS)
STORIES.extend(stories("en") + people_math_en.STORIES + people_functions.STORIES)
PHRASES_ZH.extend(math_zh.PHRASES + people_math_zh.PHRASES + people_functions.PHRASES_ZH)
STORIES_ZH.extend(math_zh.STORIES + people_math_zh.STORIES + people_functions.STORIES_ZH)
STORIES_ZH.extend(stories("zh"))
_ASKING.extend(math_en.ASKING + people_math_en.ASKING)
_TELLING.extend(math_en.TELLING + people_math_en.TELLING)
_ASKING_ZH.extend(math_zh.ASKING + people_math_zh.ASKING)
_TELLING_ZH.extend(math_zh.TELLING + people_math_zh.TELLING)
_VALUES, _VALUES_ZH = values_in(PHRASES), values_in(PHRASES_ZH)


def ask_math(source: Source, chinese: bool = False) -> Ask:
    """One request for ``calculate``."""
    rng, kind = source.rng, source.rng.random()
    if kind < 0.1:
        return bill(source, chinese)
    if kind < 0.2:
        shown, fills, expression = written(source)
    elif kind < 0.27:
        shown, fills, expression = chained(source, _VALUES_ZH if chinese else _VALUES, chinese)
    else:
        if kind < 0.8:
            template, expression = source.pick(STORIES_ZH if chinese else STORIES)
            fills, values = slots(source, template, chinese)
            call = ("calculate", {"expression": fill(expression, values)})
            said = source.say(template).replace("、?", rng.choice(["、", "，", ""]))
            return Ask(
                said[0].upper() + said[1:] if source.chance(0.5) else said,
                fills,
                call,
                "x",
                chinese,
            )
        table = PHRASES_ZH if chinese else (PHRASES if kind < 0.95 else VERBS)
        shown, expression = source.pick(table)
        fills, values = slots(source, shown, chinese)
        expression = fill(expression, values)
        if table is VERBS:
            call = ("calculate", {"expression": expression})
            return Ask(source.say(shown), fills, call, "i")
    form = "q" if source.chance(0.6) else "i"
    frames = (
        (_ASKING_ZH if form == "q" else _TELLING_ZH)
        if chinese
        else (_ASKING if form == "q" else _TELLING)
    )
    said = source.say(str(source.pick(frames)).replace("{}", shown))
    if form == "q" and chinese and "=" not in said and source.chance(0.06):
        said = source.say(shown) + "=?"
    return Ask(said, fills, ("calculate", {"expression": expression}), form, chinese)
