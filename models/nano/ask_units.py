"""Requests for ``convert_units``."""

from __future__ import annotations

import json

from models.nano.grammar import Ask, Source
from models.nano.quantities import number, number_zh
from models.nano.wordings import people_units_en, people_units_zh, units_en, units_zh
from models.nano.words import NAMES, NAMES_ZH, UNITS, UNITS_ZH, any_chinese, any_word, city

QUESTIONS = [
    "how many {w} [is|are|make] {v} {u}",
    "how many {w} [is|are] {v} {u}",
    "how many {w} are [there |]in {v} {u}",
    "how many {w} in {v} {u}",
    "what [is|'s|are] {v} {u} in {w}",
    "what is {v} {u} in {w}",
    "what's {v} {u} in {w}",
    "{v} {u} in {w}",
    "how much is {v} {u} in {w}",
    "{v} {u} is how many {w}",
    "{v} {u} equals how many {w}",
    "[can|could|would] you convert {v} {u} [to|into] {w}",
    "[can|could] you [tell|give] me {v} {u} in {w}",
    "[do you know|any idea] how many {w} {v} {u} [is|are]",
    "what does {v} {u} come to in {w}",
    "what would {v} {u} be in {w}",
    "how many {w} do {v} {u} make",
    "how many {w} does {v} {u} equal",
    "{v} {u} is what in {w}",
    "what is {v} {u} expressed in {w}",
    "what is {v} {u} [converted to|converted into] {w}",
    "how many {w} would {v} {u} be",
    "how many {w} do I get from {v} {u}",
    "what do {v} {u} equal in {w}",
    "{v} {u} makes how many {w}",
    "how many {w} have {v} {u}",
    "what's the equivalent of {v} {u} in {w}",
    "how much {w} is {v} {u}",
    "in {w}, [what is|how much is] {v} {u}",
    "how many {w} is that, {v} {u}",
]
ORDERS = [
    "convert {v} {u} [to|into|in] {w}",
    "convert {v} {u} to {w}",
    "change {v} {u} [to|into] {w}",
    "turn {v} {u} into {w}",
    "[express|give|show|write] {v} {u} in {w}",
    "{v} {u} to {w}",
    "{v} {u} into {w}",
    "{v} {u} as {w}",
    "{v} {u} -> {w}",
    "{v} {u} = ? {w}",
    "[give|tell] me {v} {u} in {w}",
    "I need {v} {u} in {w}",
    "[I'd like|I want] {v} {u} in {w}",
    "tell me how many {w} {v} {u} [is|are]",
    "translate {v} {u} [to|into] {w}",
    "work out {v} {u} in {w}",
    "calculate {v} {u} in {w}",
    "find out how many {w} are in {v} {u}",
    "I need to know how many {w} {v} {u} is",
    "I want to convert {v} {u} to {w}",
    "let me know what {v} {u} is in {w}",
    "do a conversion of {v} {u} to {w}",
    "put {v} {u} into {w}",
    "make {v} {u} into {w}",
    "get me {v} {u} in {w}",
    "compute {v} {u} in {w}",
    "conversion: {v} {u} to {w}",
]
BY_FAMILY = {
    "length": [
        "how [far|long|tall|high|wide] is {v} {u} in {w}",
        "I [ran|walked|drove|swam|cycled] {v} {u} today[, how many {w} is that?|. How many {w} is that?|, what's that in {w}?|. What is that in {w}?]",
        "[I'm|he is|she's|my son is] {v} {u} tall, [what's that in {w}?|how many {w} is that?]",
        "[The|My] [table|sofa|screen|rope|garden] is {v} {u} [long|wide]. [How many {w} is that?|What is that in {w}?|what's that in {w}?]",
        "the [station|beach|hotel|trail] is {v} {u} away, [how far is that in {w}?|what is that in {w}?]",
    ],
    "weight": [
        "how heavy is {v} {u} in {w}",
        "[My|the|our] [suitcase|bag|dog|cat|parcel|baby] weighs {v} {u}[, what is that in {w}?|. What's that in {w}?|. How many {w} is that?]",
        "the recipe [needs|calls for|says|wants] {v} {u} of [flour|sugar|butter|rice][, how many {w} is that?|. What's that in {w}?|. How much is that in {w}?]",
        "[I weigh|she weighs] {v} {u}[, how many {w} is that?|. What's that in {w}?]",
        "I [lost|lifted|bought] {v} {u}[, how much is that in {w}?|. How many {w} is that?]",
    ],
    "volume": [
        "the recipe [needs|calls for|says] {v} {u} of [milk|water|oil|cream][, how many {w} is that?|. What's that in {w}?|. How much is that in {w}?]",
        "[the tank|my bottle|the bucket|the pot] holds {v} {u}[, how many {w} is that?|. How many {w} is that?]",
        "I [drink|drank|need] {v} {u} [a day|today|of paint], what is that in {w}?",
    ],
    "temperature": [
        "how [hot|warm|cold] is {v} {u} in {w}",
        "I'm [cooking|baking] and the recipe says {v} {u}, [what's that in {w}?|how much is that in {w}?|what is that in {w}?]",
        "[Set|heat|preheat] the oven to {v} {u}, it says. What's that in {w}?",
        "it's {v} {u} [outside|today|here][, what is that in {w}?|. What's that in {w}?|. how much is that in {w}?]",
        "[my fever is|I have a temperature of|the water is] {v} {u}[, what's that in {w}?|. What is that in {w}?]",
        "the oven is at {v} {u}, what's that in {w}",
    ],
    "speed": [
        "how fast is {v} {u} in {w}",
        "the [speed limit|wind|limit] is {v} {u}[, what's that in {w}?|. How much is that in {w}?]",
        "[I was driving|the car goes|the train does] {v} {u}[, what is that in {w}?|. What's that in {w}?]",
    ],
    "area": [
        "how big is {v} {u} in {w}",
        "[our|the|my] [flat|farm|garden|plot] is {v} {u}[, what is that in {w}?|. How many {w} is that?]",
    ],
    "time": [
        "how long is {v} {u} in {w}",
        "[the film|the flight|the trip|my shift] [takes|lasts|is] {v} {u}[, how many {w} is that?|. What's that in {w}?]",
        "how many {w} [are in|are there in|make up] {v} {u}",
    ],
    "data": [
        "how big is {v} {u} in {w}",
        "[the file|my disk|the video] is {v} {u}[, how many {w} is that?|. What's that in {w}?]",
    ],
}
ZH = [
    "{v}{u}[等于|是|有|合]多少{w}",
    "{v}{u}等于多少{w}",
    "{v}{u}是多少{w}",
    "把{v}{u}[换算成|转换成|换成|转换为|换算为]{w}",
    "{v}{u}[换算成|换成|转换成]{w}[是多少|]",
    "将{v}{u}[转换为|换算成|转成]{w}",
    "{v}{u}[相当于|折合]多少{w}",
    "[请问|想知道|告诉我|算一下|帮我算]{v}{u}[是|等于]多少{w}",
    "[帮我|请|麻烦]把{v}{u}[换算成|转换成|换成]{w}",
    "{v}{u}转{w}",
    "{v}{u}用{w}[表示|]是多少",
    "多少{w}等于{v}{u}",
    "{v}{u}有几{w}",
    "{v}{u}[能|可以]换[成|]多少{w}",
    "{v}{u}合{w}是多少",
    "换算{v}{u}到{w}",
    "{v}{u}用{w}怎么[说|算]",
    "{v}{u}大概[是|有]多少{w}",
    "{v}{u}={w}？",
    "{v} {u}[等于|是]多少 {w}",
]
ZH_BY_FAMILY = {
    "length": [
        "我[跑|走|骑]了{v}{u}，[是|相当于]多少{w}？",
        "[他|她|我]身高{v}{u}，[是|合]多少{w}？",
        "那里离这儿{v}{u}，是多少{w}？",
    ],
    "weight": [
        "[行李|包裹|狗狗|箱子]重{v}{u}，[是|等于]多少{w}？",
        "我体重{v}{u}，[合|是]多少{w}？",
        "[食谱|菜谱]要{v}{u}[面粉|糖]，是多少{w}？",
    ],
    "temperature": [
        "[食谱|菜谱]上写[的是|着]{v}{u}，是多少{w}？",
        "[今天|外面]{v}{u}，[是|相当于]多少{w}？",
        "烤箱[要|调到]{v}{u}，换成{w}是多少？",
    ],
    "speed": ["限速{v}{u}，是多少{w}？", "车速{v}{u}，[合|是]多少{w}？"],
    "volume": ["[油箱|水壶]能装{v}{u}，是多少{w}？"],
    "area": ["房子{v}{u}，是多少{w}？"],
}
QUESTIONS.extend(units_en.QUESTIONS + people_units_en.QUESTIONS)
ORDERS.extend(units_en.ORDERS + people_units_en.ORDERS)
ZH.extend(units_zh.GENERAL + people_units_zh.GENERAL)
for _own, _more in (
    (BY_FAMILY, units_en.BY_FAMILY),
    (BY_FAMILY, people_units_en.BY_FAMILY),
    (ZH_BY_FAMILY, units_zh.BY_FAMILY),
    (ZH_BY_FAMILY, people_units_zh.BY_FAMILY),
):
    for _family, _said in _more.items():
        _own.setdefault(_family, []).extend(_said)
_ONE = {"a": "1", "an": "1", "one": "1", "half a": "0.5", "a quarter": "0.25"}
_PREFIX = {
    "temperature": [
        "{v} degrees {u}",
        "{v}°{u}",
        "{v} °{u}",
        "{v} {u}",
        "{v}{u}",
        "{v} degrees {u}",
    ]
}


def _value(text: str) -> float | int:
    return json.loads(text if text[0] != "." else "0" + text)


def unheard_of(source: Source, chinese: bool) -> str:
    """A unit that doesn't exist: whatever is asked for goes into the call as it was written."""
    if chinese:
        return any_chinese(source, 1, 4)
    word = any_word(source)
    kind = source.rng.random()
    if kind < 0.15:
        return f"{word} per {any_word(source)}"
    if kind < 0.3:
        return f"{source.rng.choice(['square', 'cubic', 'nautical', 'metric'])} {word}"
    return f"{word} {any_word(source)}" if kind < 0.5 else word


def ask_units(source: Source, chinese: bool = False) -> Ask:
    """One request for ``convert_units``."""
    table = UNITS_ZH if chinese else UNITS
    families = list(table)
    weights = [6, 5, 4, 6, 3, 2, 3, 2, 1, 1, 1, 1][: len(families)]
    family = source.rng.choices(families, weights)[0]
    u, w = source.pick(table[family].split("|")), source.pick(table[family].split("|"))
    while w == u:
        w = source.rng.choice(table[family].split("|"))
    if source.nonsense(0.12):
        u = unheard_of(source, chinese)
    if source.nonsense(0.12):
        w = unheard_of(source, chinese)
    special = (ZH_BY_FAMILY if chinese else BY_FAMILY).get(family, [])
    form = "q"
    if special and source.chance(0.42):
        template = source.pick(special)
        form = "x" if set(template) & set("?？.。!") else "q"
    elif chinese:
        template = source.pick(ZH)
    else:
        form = source.rng.choice("qqi")
        template = source.pick(QUESTIONS if form == "q" else ORDERS)
    written, value = number_zh(source) if chinese else number(source, True, family == "temperature")
    template = source.say(template)
    if chinese and u in ("摄氏度", "华氏度") and source.chance(0.4):
        template = template.replace("{v}{u}", u[:2] + "{v}度")
    if not chinese:
        shape = "{v} {u}"
        if family == "temperature":
            shape = source.rng.choice(
                _PREFIX["temperature"] if len(u) == 1 else ["{v} degrees {u}", "{v} {u}"]
            )
            if shape[3:].startswith((" degrees", "°")) and len(w) > 1 and source.chance(0.3):
                template = template.replace("{w}", "degrees {w}")
        elif written.replace(".", "").replace(",", "").isdigit() and source.chance(
            0.4 if len(u) <= 4 else 0.05
        ):
            shape = source.rng.choice(["{v}{u}", "{v}{u}", "{v}-{u}"])
        elif source.chance(0.05) and not u.endswith("s"):
            written = source.rng.choice(list(_ONE))
            value = _ONE[written]
        template = template.replace("{v} {u}", shape)
    name = str(source.pick(NAMES_ZH if chinese else NAMES))
    fills = {"v": written, "u": u, "w": w, "n": name, "N": name[0].upper() + name[1:]}
    fills["c"] = city(source, chinese)
    call = ("convert_units", {"value": _value(value), "from_unit": u, "to_unit": w})
    return Ask(template, fills, call, form, chinese)
