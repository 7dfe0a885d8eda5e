"""Requests that share a verb: the time in two cities, one quantity in two units, two notes to delete."""

from __future__ import annotations

import json
from typing import Any

from models.nano.ask_math import bare
from models.nano.ask_notes import free_text, topic
from models.nano.ask_units import ask_units
from models.nano.grammar import Ask, Source
from models.nano.quantities import clock, clock_zh, number, number_zh
from models.nano.wordings import both
from models.nano.words import city

_Call = tuple[str, dict[str, Any]]


def ask_both(source: Source, chinese: bool = False) -> Ask:
    """One wording, two calls of the same tool."""
    make = source.rng.choice(
        [_now, _now, _then, _units, _units, _delete, _delete, _search, _math, _save]
    )
    tables, fills, calls = make(source, chinese)
    template = source.say(source.pick(tables[chinese]))
    form = "n" if make is _save else "x"
    return Ask(template, fills, calls[0], form, chinese, tuple(calls[1:]))


_Made = tuple[tuple[list[str], list[str]], dict[str, str], list[_Call]]


def _now(source: Source, chinese: bool) -> _Made:
    a, b = city(source, chinese), city(source, chinese)
    calls: list[_Call] = [("current_time", {"timezone": place}) for place in (a, b)]
    return (both.NOW, both.NOW_ZH), {"a": a, "b": b}, calls


def _then(source: Source, chinese: bool) -> _Made:
    a, b, c = (city(source, chinese) for _ in range(3))
    time = clock_zh(source) if chinese else clock(source)
    calls: list[_Call] = [
        ("convert_time", {"time": time, "from_timezone": a, "to_timezone": to}) for to in (b, c)
    ]
    return (both.THEN, both.THEN_ZH), {"a": a, "b": b, "c": c, "t": time}, calls


def _units(source: Source, chinese: bool) -> _Made:
    one, two = ask_units(source, chinese), ask_units(source, chinese)
    plain = number_zh if chinese else number
    (shown, value), (other, second) = plain(source), plain(source)
    fills = one.fills | {"v": shown, "v2": other, "w2": two.fills["w"]}
    first = one.call[1] | {"value": json.loads(value)}
    if source.chance(0.5):
        again = first | {"value": json.loads(second)}
        tables = both.VALUES, both.VALUES_ZH
    else:
        again = first | {"to_unit": two.call[1]["to_unit"]}
        tables = both.TARGETS, both.TARGETS_ZH
    return tables, fills, [("convert_units", first), ("convert_units", again)]


def _delete(source: Source, chinese: bool) -> _Made:  # noqa: ARG001 - as its siblings
    most = source.rng.choice([9, 30, 999])
    a, b = source.rng.randint(1, most), source.rng.randint(1, most)
    calls: list[_Call] = [("delete_note", {"note_id": number}) for number in (a, b)]
    return (both.DELETE, both.DELETE_ZH), {"a": str(a), "b": str(b)}, calls


def _search(source: Source, chinese: bool) -> _Made:
    a, b = topic(source, chinese), topic(source, chinese)
    calls: list[_Call] = [("search_notes", {"query": query}) for query in (a, b)]
    return (both.SEARCH, both.SEARCH_ZH), {"a": a, "b": b}, calls


def _save(source: Source, chinese: bool) -> _Made:
    a, b = free_text(source, chinese), free_text(source, chinese)
    calls: list[_Call] = [("save_note", {"text": text}) for text in (a, b)]
    return (both.SAVE, both.SAVE_ZH), {"a": a, "b": b}, calls


def _math(source: Source, chinese: bool) -> _Made:  # noqa: ARG001 - as its siblings
    calls: list[_Call] = []
    fills: dict[str, str] = {}
    for slot in "ab":
        shown, values, expression = bare(source)
        fills[slot] = Ask(shown, values, ("calculate", {})).text()
        calls.append(("calculate", {"expression": expression}))
    return (both.MATH, both.MATH_ZH), fills, calls
