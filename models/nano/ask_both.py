"""Two requests in one wording: the time in two cities, one quantity in two units, a sum and a note."""

from __future__ import annotations

import json
from typing import Any

from models.nano.ask_notes import free_text, topic
from models.nano.ask_units import ask_units
from models.nano.grammar import Ask, Source
from models.nano.math_slots import fill
from models.nano.quantities import clock, clock_zh, number, number_zh, price, whole
from models.nano.sums import written
from models.nano.wordings import both, people_both
from models.nano.words import city

_Call = tuple[str, dict[str, Any]]

_TABLES = {
    table: getattr(both, table, []) + getattr(people_both, table)
    for name in "NOW THEN THEN2 VALUES TARGETS DELETE SEARCH SAVE MATH".split()
    for table in (name, f"{name}_ZH")
}


def ask_both(source: Source, chinese: bool = False) -> Ask:
    """One wording, two calls."""
    if source.chance(0.3):
        return _mixed(source, chinese)
    make = source.rng.choice(
        [_now, _now, _then, _then2, _units, _units, _delete, _delete, _search, _math, _save]
    )
    table, fills, calls = make(source, chinese)
    template = source.say(source.pick(_TABLES[f"{table}_ZH" if chinese else table]))
    form = "n" if make is _save else "x"
    return Ask(template, fills, calls[0], form, chinese, tuple(calls[1:]))


def _mixed(source: Source, chinese: bool) -> Ask:
    """One wording, two calls that need not be of one tool."""
    template, wanted = source.pick(people_both.MIXED_ZH if chinese else people_both.MIXED)
    time = clock_zh if chinese else clock
    fills: dict[str, str] = {place: city(source, chinese) for place in "abc"}
    fills |= {"t": time(source), "t2": time(source), "q": topic(source, chinese)}
    numbers = {slot: str(whole(source, 0)) for slot in "kl"}
    price_shown, numbers["m"] = price(source)
    fills |= numbers | {"m": price_shown, "i": str(source.rng.randint(1, 999))}
    shown, values, expression = written(source)
    fills["e"] = Ask(shown, values, ("calculate", {})).text()
    fills["x"] = free_text(source, chinese)
    while set(fills["x"]) & set("\"'“”「」"):
        fills["x"] = free_text(source, chinese)
    quantity = ask_units(source, chinese)
    fills |= {slot: quantity.fills[slot] for slot in "vuw"}
    made: list[_Call] = []
    for kind, *slots in wanted:
        said = [fills.get(slot, slot) for slot in slots]
        match kind:
            case "now":
                made.append(("current_time", {"timezone": said[0]}))
            case "then":
                keys = ("time", "from_timezone", "to_timezone")
                made.append(("convert_time", dict(zip(keys, said, strict=True))))
            case "units":
                made.append(quantity.call)
            case "math":
                made.append(("calculate", {"expression": expression}))
            case "calc":
                made.append(("calculate", {"expression": fill(slots[0], numbers)}))
            case "search":
                made.append(("search_notes", {"query": said[0]}))
            case "delete":
                made.append(("delete_note", {"note_id": int(str(said[0]))}))
            case _:
                made.append(("save_note", {"text": said[0]}))
    form = "n" if template.endswith("{x}") else "x"
    return Ask(source.say(template), fills, made[0], form, chinese, tuple(made[1:]))


_Made = tuple[str, dict[str, str], list[_Call]]  # the name of a table, slots, calls


def _now(source: Source, chinese: bool) -> _Made:
    a, b = city(source, chinese), city(source, chinese)
    calls: list[_Call] = [("current_time", {"timezone": place}) for place in (a, b)]
    return "NOW", {"a": a, "b": b}, calls


def _then(source: Source, chinese: bool) -> _Made:
    a, b, c = (city(source, chinese) for _ in range(3))
    time = clock_zh(source) if chinese else clock(source)
    calls: list[_Call] = [
        ("convert_time", {"time": time, "from_timezone": a, "to_timezone": to}) for to in (b, c)
    ]
    return "THEN", {"a": a, "b": b, "c": c, "t": time}, calls


def _then2(source: Source, chinese: bool) -> _Made:
    a, b = city(source, chinese), city(source, chinese)
    times = [clock_zh(source) if chinese else clock(source) for _ in range(2)]
    calls: list[_Call] = [
        ("convert_time", {"time": time, "from_timezone": a, "to_timezone": b}) for time in times
    ]
    return "THEN2", {"a": a, "b": b, "t": times[0], "t2": times[1]}, calls


def _units(source: Source, chinese: bool) -> _Made:
    one, two = ask_units(source, chinese), ask_units(source, chinese)
    plain = number_zh if chinese else number
    (shown, value), (other, second) = plain(source), plain(source)
    fills = one.fills | {"v": shown, "v2": other, "w2": two.fills["w"]}
    first = one.call[1] | {"value": json.loads(value)}
    if source.chance(0.5):
        again = first | {"value": json.loads(second)}
        table = "VALUES"
    else:
        again = first | {"to_unit": two.call[1]["to_unit"]}
        table = "TARGETS"
    return table, fills, [("convert_units", first), ("convert_units", again)]


def _delete(source: Source, chinese: bool) -> _Made:  # noqa: ARG001 - as its siblings
    most = source.rng.choice([9, 30, 999])
    a, b = source.rng.randint(1, most), source.rng.randint(1, most)
    calls: list[_Call] = [("delete_note", {"note_id": number}) for number in (a, b)]
    return "DELETE", {"a": str(a), "b": str(b)}, calls


def _search(source: Source, chinese: bool) -> _Made:
    a, b = topic(source, chinese), topic(source, chinese)
    calls: list[_Call] = [("search_notes", {"query": query}) for query in (a, b)]
    return "SEARCH", {"a": a, "b": b}, calls


def _save(source: Source, chinese: bool) -> _Made:
    a, b = free_text(source, chinese), free_text(source, chinese)
    calls: list[_Call] = [("save_note", {"text": text}) for text in (a, b)]
    return "SAVE", {"a": a, "b": b}, calls


def _math(source: Source, chinese: bool) -> _Made:  # noqa: ARG001 - as its siblings
    calls: list[_Call] = []
    fills: dict[str, str] = {}
    for slot in "ab":
        shown, values, expression = written(source)
        fills[slot] = Ask(shown, values, ("calculate", {})).text()
        calls.append(("calculate", {"expression": expression}))
    return "MATH", fills, calls
