"""Tools that don't exist, and requests for them: so that names and arguments are copied.

A tool is a verb, a noun (often an invented word) and up to five parameters of every JSON type.  The
request says the verb and the noun, and mentions parameters by their labels, or as people do: "in
Paris", "called Anna", "3 times".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.nano.grammar import Source
from models.nano.quantities import number
from models.nano.render import Call
from models.nano.words import NAMES, NAMES_ZH, any_chinese, any_word, city

VERBS = {
    "create": "创建",
    "get": "获取",
    "find": "查找",
    "list": "列出",
    "update": "更新",
    "cancel": "取消",
    "send": "发送",
    "book": "预订",
    "start": "启动",
    "stop": "停止",
    "check": "检查",
    "open": "打开",
    "close": "关闭",
    "order": "订购",
    "move": "移动",
    "play": "播放",
    "add": "添加",
    "set": "设置",
    "schedule": "安排",
    "print": "打印",
    "share": "分享",
    "track": "跟踪",
    "reset": "重置",
    "rate": "评价",
    "lock": "锁定",
    "measure": "测量",
    "scan": "扫描",
    "archive": "归档",
    "assign": "分配",
    "export": "导出",
    "rename": "重命名",
    "restart": "重启",
    "sync": "同步",
    "fetch": "抓取",
    "publish": "发布",
    "approve": "批准",
    "reserve": "预留",
    "pause": "暂停",
    "upload": "上传",
    "deploy": "部署",
}
# natural ways to mention a parameter: name → (type, English patterns, Chinese label)
NATURAL: dict[str, tuple[str, list[str], str]] = {
    "city": ("city", ["in {}", "for {}", "near {}"], "城市"),
    "location": ("city", ["in {}", "at {}"], "地点"),
    "name": ("word", ["named {}", "called {}"], "名称"),
    "title": ("words", ["titled {}", "with the title {}", 'titled "{}"'], "标题"),
    "date": ("date", ["on {}", "for {}"], "日期"),
    "recipient": ("person", ["to {}", "for {}"], "收件人"),
    "user": ("person", ["for {}", "of {}"], "用户"),
    "count": ("integer", ["{} times", "{} of them"], "数量"),
    "minutes": ("integer", ["for {} minutes"], "分钟数"),
    "amount": ("number", ["for {}", "of {}", "worth {}"], "金额"),
    "id": ("integer", ["number {}", "{}", "#{}"], "编号"),
    "code": ("code", ["with code {}", "{}"], "代码"),
    "destination": ("city", ["to {}"], "目的地"),
    "origin": ("city", ["from {}"], "出发地"),
    "message": ("words", ["saying {}", 'saying "{}"', "with the message {}"], "内容"),
    "query": ("words", ["about {}", "for {}"], "关键词"),
    "limit": ("integer", ["at most {}", "up to {}"], "上限"),
    "email": ("email", ["with email {}", "to {}"], "邮箱"),
    "color": ("enum", ["in {}", "with color {}"], "颜色"),
    "priority": ("enum", ["with {} priority", "as {} priority"], "优先级"),
    "size": ("enum", ["in size {}", "size {}"], "尺寸"),
    "tags": ("array", ["tagged {}", "with tags {}"], "标签"),
    "temperature": ("number", ["at {} degrees", "to {}"], "温度"),
    "percent": ("number", ["at {}%", "by {} percent"], "百分比"),
}
LABELS_ZH = "状态|类型|等级|备注|部门|型号|版本|地区|语言|时长|价格|高度|宽度|队列|频道|分组|来源|目标".split(
    "|"
)
_ENUMS = [
    "low|medium|high",
    "red|green|blue|black",
    "small|medium|large|xl",
    "daily|weekly|monthly",
    "open|closed|pending",
    "asc|desc",
    "json|csv|xml|pdf",
    "north|south|east|west",
]


@dataclass(frozen=True)
class Parameter:
    """One property: how it is declared, how people say it."""

    name: str
    kind: str
    schema: dict[str, Any]
    patterns: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class Invented:
    """A tool with what is needed to ask for it."""

    definition: dict[str, Any]
    verb: str
    noun: str
    parameters: tuple[Parameter, ...]
    required: frozenset[str]


def _schema(source: Source, kind: str) -> dict[str, Any]:
    rng = source.rng
    if kind in ("integer", "number", "boolean"):
        return {"type": kind}
    if kind == "enum":
        values = source.pick(_ENUMS).split("|")
        if source.chance(0.6):
            values = list(dict.fromkeys(any_word(source) for _ in range(rng.randint(2, 5))))
        return {"type": "string", "enum": values}
    if kind == "array":
        return {"type": "array", "items": {"type": rng.choice(["string", "string", "integer"])}}
    if kind == "object":
        fields = list(dict.fromkeys(any_word(source) for _ in range(2)))
        kinds = {field: {"type": rng.choice(["string", "integer"])} for field in fields}
        return {"type": "object", "properties": kinds, "required": fields}
    return {"type": "string"}


def _parameter(source: Source, chinese: bool) -> Parameter:
    rng = source.rng
    if source.chance(0.55):
        name = str(source.pick(list(NATURAL)))
        kind, patterns, zh = NATURAL[name]
        label = zh if chinese else name
    else:
        name = any_word(source) if source.chance(0.6) else f"{any_word(source)}_{any_word(source)}"
        kind = rng.choice("word words integer number boolean enum array object code date".split())
        label = source.pick(LABELS_ZH) if chinese else name.replace("_", " ")
        patterns = []
    schema = _schema(source, kind)
    if chinese or source.chance(0.35):
        schema["description"] = (
            label if chinese else rng.choice(["The {}", "{} to use", "Which {}"]).format(label)
        )
    generic = [
        "{label} {}",
        "with {label} {}",
        "{label}: {}",
        "{label} = {}",
        "with the {label} {}",
        "set {label} to {}",
        "{label} is {}",
        "the {label} should be {}",
        "using {} as {label}",
    ]
    if chinese:
        patterns = ["{label}是{}", "{label}为{}", "{label}：{}", "{label}{}", "{label}设为{}"]
    elif not patterns or source.chance(0.4):
        patterns = generic
    if kind == "boolean" and not chinese:
        patterns = ["{label}: {}", "with {label} {}", "{label} {}"]
    return Parameter(
        name, kind, schema, tuple(p.replace("{label}", label) for p in patterns), label
    )


def tool(source: Source, chinese: bool = False) -> Invented:
    """One tool; its name in one of the usual styles."""
    rng = source.rng
    verb = str(source.pick(list(VERBS)))
    noun = any_word(source) if source.chance(0.7) else f"{any_word(source)} {any_word(source)}"
    snake = noun.replace(" ", "_")
    camel = verb + "".join(word.capitalize() for word in noun.split())
    name = rng.choice(
        [
            f"{verb}_{snake}",
            f"{verb}_{snake}",
            f"{snake}_{verb}",
            camel,
            f"{verb}-{snake}".replace("_", "-"),
            snake,
        ]
    )
    said, spoken = (VERBS[verb], any_chinese(source, 2, 4)) if chinese else (verb, noun)
    parameters: dict[str, Parameter] = {}
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 2, 3, 4])):
        parameter = _parameter(source, chinese)
        if parameter.label not in {p.label for p in parameters.values()}:
            parameters[parameter.name] = parameter
    required = [n for n in parameters if source.chance(0.7)]
    if chinese:
        description = rng.choice(
            [f"{said}{spoken}", f"{said}一个{spoken}。", f"用于{said}{spoken}"]
        )
    else:
        description = rng.choice(
            [
                "{V} a {n}.",
                "{V} the {n}.",
                "{V} {n}",
                "Use this to {v} a {n}.",
                "{V} one {n} of the user.",
            ]
        ).format(V=verb.capitalize(), v=verb, n=noun)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {n: p.schema for n, p in parameters.items()},
    }
    if required or source.chance(0.5):
        schema["required"] = required
    if source.chance(0.4):
        schema["additionalProperties"] = False
    definition = {"name": name[:64], "description": description, "parameters": schema}
    return Invented(definition, said, spoken, tuple(parameters.values()), frozenset(required))


def _value(source: Source, parameter: Parameter, chinese: bool) -> tuple[str, Any]:
    rng, kind, schema = source.rng, parameter.kind, parameter.schema
    if kind == "integer":
        value = rng.randint(1, rng.choice([9, 99, 9999, 10**6]))
        return str(value), value
    if kind == "number":
        written, text = number(source)
        return written, float(text) if "." in text else int(text)
    if kind == "boolean":
        value = source.chance(0.5)
        yes, no = (
            (["是", "开启"], ["否", "关闭"])
            if chinese
            else (["on", "true", "yes"], ["off", "false", "no"])
        )
        return rng.choice(yes if value else no), value
    if kind == "enum":
        value = rng.choice(schema["enum"])
        return value, value
    if kind == "array":
        whole = schema["items"]["type"] == "integer"
        values = [
            rng.randint(1, 999) if whole else any_word(source) for _ in range(rng.randint(1, 4))
        ]
        shown = [str(v) for v in values]
        if chinese:
            return "、".join(shown), values
        return " and ".join([", ".join(shown[:-1]), shown[-1]] if shown[:-1] else shown), values
    if kind == "object":
        fields = {
            key: rng.randint(1, 999) if field["type"] == "integer" else any_word(source)
            for key, field in schema["properties"].items()
        }
        return ("，" if chinese else ", ").join(f"{k} {v}" for k, v in fields.items()), fields
    if kind == "city":
        text = city(source, chinese)
    elif kind == "person":
        text = (
            str(source.pick(NAMES_ZH if chinese else NAMES[:20]))
            if source.chance(0.6)
            else any_word(source).capitalize()
        )
    elif kind == "date":
        text = f"20{rng.randint(24, 30)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    elif kind == "code":
        text = "".join(
            rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(rng.randint(3, 8))
        )
    elif kind == "email":
        text = (
            f"{any_word(source)}@{any_word(source)}.{rng.choice(['com', 'org', 'net', 'de', 'cn'])}"
        )
    elif chinese and source.chance(0.7):
        text = any_chinese(source, 2, 8 if kind == "words" else 4)
    else:
        text = " ".join(
            any_word(source) for _ in range(rng.randint(2, 5) if kind == "words" else 1)
        )
        text = text.capitalize() if kind == "word" and source.chance(0.4) else text
    return text, text


def request(source: Source, chosen: Invented, chinese: bool) -> tuple[str, Call]:
    """A wording that names the tool and some parameters, and its call."""
    rng = source.rng
    used = [p for p in chosen.parameters if p.name in chosen.required or source.chance(0.5)]
    said, arguments = [], {}
    for parameter in used:
        shown, arguments[parameter.name] = _value(source, parameter, chinese)
        said.append(rng.choice(parameter.patterns).replace("{}", shown))
    if source.chance(0.3):
        rng.shuffle(said)
    if chinese:
        lead = (
            rng.choice(["", "请", "帮我", "麻烦", "我想"])
            + chosen.verb
            + rng.choice(["", "一个"])
            + chosen.noun
        )
        text = "，".join([lead, *said])
    else:
        article = rng.choice(["the ", "a ", "", "my ", "this "])
        lead = rng.choice(
            ["", "", "please ", "can you ", "I want to ", "could you ", "I'd like to ", "let's "]
        )
        text = f"{lead}{chosen.verb} {article}{chosen.noun}"
        for i, mention in enumerate(said):
            text += (" " if i == 0 else rng.choice([", ", " and ", ", ", " "])) + mention
        text = text[0].upper() + text[1:] if source.chance(0.5) else text
    ordered = {p.name: arguments[p.name] for p in used}
    return text, (chosen.definition["name"], ordered)
