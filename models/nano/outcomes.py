"""What the built-in tools return, and the sentence that tells the user."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from models.nano.ask_notes import free_text, note_about
from models.nano.grammar import Source
from models.nano.render import Call
from models.nano.words import any_word, invented

_WEEKDAYS = dict(
    zip(
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
        "星期一 星期二 星期三 星期四 星期五 星期六 星期日".split(),
        strict=True,
    )
)
_DAYS = {"same day": "同一天", "next day": "第二天", "previous day": "前一天"}
_KNOWN = {"abs": abs, "max": max, "min": min, "round": round, "ln": math.log} | {
    name: getattr(math, name) for name in "sqrt cbrt log log2 log10 floor ceil pi e".split()
}
ERRORS = {
    "calculate": [
        "division by zero has no value",
        "can't read '{other}' here: give an arithmetic expression, such as (2 + 3) * 4",
        "the expression ends in the middle: give it whole, such as (2 + 3) * 4",
        "can't read '{other}': give an arithmetic expression, such as (2 + 3) * 4",
    ],
    "current_time": [
        "no time zone is known for '{timezone}'; give a large city nearby or an IANA zone: Europe/Paris",
        "no time zone is known for '{timezone}'; did you mean {other}?",
        "'{timezone}' could be {other}, {other} or {other}: name one of them",
    ],
    "convert_time": [
        "no time zone is known for '{to_timezone}'; give a large city nearby or an IANA zone: Europe/Paris",
        "no time zone is known for '{from_timezone}'; did you mean {other}?",
        "'{time}' is no time of day: give it as 15:30, 9 am, noon or 下午3点, without a date",
    ],
    "convert_units": [
        "unknown unit '{from_unit}': give its English name, such as kilometer or pound",
        "unknown unit '{to_unit}': give its English name, such as kilometer or pound",
        "can't convert {from_unit} ([{other}]) to {to_unit} ([{other}]): the units measure different things",
    ],
    "delete_note": ["there is no note {note_id}: search the notes for the right note_id"],
    "save_note": ["the note is empty: give its text"],
}
"""As `tools.builtin` says it, which a test holds it to; ``other`` is any word."""
_AREAS = "Asia Europe America Africa Australia Pacific".split()


def _evaluated(source: Source, expression: str) -> str:
    if source.chance(0.15):
        return f"{_periodic(source):.16g}"
    try:
        if "**" in expression and len(expression) > 12:
            raise OverflowError
        value = eval(expression, {"__builtins__": {}, **_KNOWN})  # noqa: S307 - our own digits
        return str(int(value)) if value == int(value) else f"{value:.{source.rng.randint(4, 16)}g}"
    except (ArithmeticError, ValueError, SyntaxError):
        return str(source.rng.randint(1, 10**9))


def _periodic(source: Source) -> float:
    """A number whose digits repeat: where to stop is hard to learn."""
    return source.rng.randint(1, 5000) / source.rng.choice([3, 3, 6, 7, 9, 9, 11, 12])


def _error(source: Source, call: Call) -> str:
    """What the tool of a call says when it fails, most often; else what others say."""
    rng, (name, arguments) = source.rng, call
    value = str(rng.choice(list(arguments.values())))
    if name in ERRORS and source.chance(0.7):
        said = rng.choice(ERRORS[name])
        return said.format(**arguments, other=any_word(source))
    return rng.choice(
        [
            f"unknown place {value!r}; name a city or an IANA time zone",
            f"no note has the id {value}",
            f"can't convert {value} to that unit",
            f"unknown unit {value!r}",
            "division by zero",
            f"the expression can't be read: {value}",
            f"the {any_word(source)} is not reachable; try later",
            f"{any_word(source)} {any_word(source)} {any_word(source)}",
        ]
    )


def returned(source: Source, call: Call, chinese: bool) -> Any:
    """A result such as the tool gives; one in ten is an error."""
    rng, (name, arguments) = source.rng, call
    if source.chance(0.1):
        return {"error": _error(source, call)}
    if name == "calculate":
        return {"result": _evaluated(source, arguments["expression"])}
    clock = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}"
    if name == "current_time":
        zone = f"{rng.choice(_AREAS)}/{arguments['timezone'].title().replace(' ', '_')}"
        if not zone.isascii():
            zone = f"{rng.choice(_AREAS)}/{invented(source).capitalize()}"
        day = f"20{rng.randint(24, 29)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        return {"timezone": zone, "time": f"{day} {clock}", "weekday": rng.choice(list(_WEEKDAYS))}
    if name == "convert_time":
        zone = f"{rng.choice(_AREAS)}/{invented(source).capitalize()}"
        return {"time": clock, "timezone": zone, "day": rng.choice(["same day", *_DAYS])}
    if name == "convert_units":
        value = round(rng.uniform(0.01, 10 ** rng.randint(1, 5)), rng.randint(0, 6))
        if source.chance(0.25):
            value = _periodic(source)
        return {
            "value": value,
            "unit": any_word(source) if source.chance(0.3) else arguments["to_unit"],
        }
    if name == "save_note":
        return {"note_id": rng.randint(1, rng.choice([9, 99, 999]))}
    if name == "delete_note":
        return {"deleted": True, "note_id": arguments["note_id"]}
    return {
        "notes": notes(source, arguments["query"], chinese, rng.choice([0, 1, 1, 1, 1, 2, 2, 3]))
    }


def notes(
    source: Source, query: str, chinese: bool, many: int, share: float = 0.8
) -> list[dict[str, Any]]:
    """So many notes that a search for ``query`` finds; ``share`` of them hold it as it was said.

    Some begin like the one before: who tells them must not go back to the first.
    """
    rng = source.rng
    numbers = rng.sample(range(1, rng.choice([9, 99, 999]) + 1), many)
    texts: list[str] = []
    for _ in numbers:
        text = (
            note_about(source, query, chinese)
            if source.chance(share)
            else free_text(source, chinese)
        )
        if texts and source.chance(0.4):
            text = _opening(texts[-1], rng.random()) + text
        texts.append(text)
    return [{"note_id": n, "text": text} for n, text in zip(numbers, texts, strict=True)]


def _opening(text: str, share: float) -> str:
    """The first part of a text, up to a blank where it has some."""
    cut = text[: round(share * len(text))]
    return cut[: cut.rfind(" ") + 1] if " " in text else cut


def sentences(calls: Sequence[Call], outcomes: Sequence[Any], chinese: bool) -> list[str]:
    """A sentence for each outcome; of several each says what stands in its result alone.

    What was asked for stands elsewhere; whether a small model can find it there for each of them was not tried.
    """
    alone = len(calls) == 1
    return [
        sentence(call, outcome, chinese) if alone else _brief(call, outcome, chinese)
        for call, outcome in zip(calls, outcomes, strict=True)
    ]


def _brief(call: Call, outcome: dict[str, Any], chinese: bool) -> str:
    """As `sentence`, of nothing but the result."""
    name = call[0]
    if "error" in outcome or name not in ("current_time", "convert_time", "convert_units"):
        return sentence(call, outcome, chinese)
    if name == "convert_units":
        value, unit = outcome["value"], outcome["unit"]
        return f"等于{value} {unit}。" if chinese else f"That is {value} {unit}."
    place, time = outcome["timezone"], outcome["time"]
    day = outcome["weekday" if name == "current_time" else "day"]
    if not chinese:
        return f"In {place} it is {time}, {day}."
    now = "现在" if name == "current_time" else ""
    return f"{place}{now}是{time}，{_WEEKDAYS.get(day) or _DAYS[day]}。"


def sentence(call: Call, outcome: dict[str, Any], chinese: bool) -> str:  # noqa: PLR0911 - a tool, a sentence
    """One short sentence in the user's language that quotes the result."""
    name, given = call
    if "error" in outcome:
        return (
            f"出错了：{outcome['error']}" if chinese else f"That did not work: {outcome['error']}"
        )
    if name == "calculate":
        return f"结果是{outcome['result']}。" if chinese else f"The result is {outcome['result']}."
    if name == "current_time":
        place, time, day = given["timezone"], outcome["time"], outcome["weekday"]
        return (
            f"{place}现在是{time}，{_WEEKDAYS[day]}。"
            if chinese
            else f"In {place} it is {time}, {day}."
        )
    if name == "convert_time":
        there, here, time = given["to_timezone"], given["from_timezone"], given["time"]
        if chinese:
            return f"{here}{time}是{there}{outcome['time']}，{_DAYS[outcome['day']]}。"
        return f"{time} in {here} is {outcome['time']} in {there}, {outcome['day']}."
    if name == "convert_units":
        value, unit, other = given["value"], given["from_unit"], given["to_unit"]
        if chinese:
            return f"{value}{unit}等于{outcome['value']}{other}。"
        return f"{value} {unit} is {outcome['value']} {other}."
    if name == "save_note":
        return (
            f"已保存为笔记{outcome['note_id']}。"
            if chinese
            else f"Saved as note {outcome['note_id']}."
        )
    if name == "delete_note":
        return (
            f"笔记{outcome['note_id']}已删除。"
            if chinese
            else f"Note {outcome['note_id']} is deleted."
        )
    notes = outcome["notes"]
    if not notes:
        query = given["query"]
        return f"没有找到关于{query}的笔记。" if chinese else f"I found no notes about {query}."
    if chinese:
        return "找到" + "；".join(f"笔记{n['note_id']}：{n['text']}" for n in notes) + "。"
    return "I found " + "; ".join(f"note {n['note_id']}: {n['text']}" for n in notes) + "."
