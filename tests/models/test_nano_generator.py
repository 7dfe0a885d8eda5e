"""The generator makes valid calls in very many wordings, and holds some of them out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from models.nano import after_search, data, invented, math_slots, outcomes, spoken, toolset
from models.nano.ask_both import ask_both
from models.nano.batch import Row
from models.nano.conversations import Turn, builtin_turn, invented_turn
from models.nano.frames import utter
from models.nano.grammar import Source, held_out
from models.nano.stories import stories
from models.nano.wordings import (
    math_en,
    math_zh,
    people_both,
    people_math_en,
    people_math_zh,
    people_notes_en,
    people_notes_zh,
    people_time_en,
    people_time_zh,
    people_units_en,
    people_units_zh,
)
from tools.builtin.arithmetic import calculate
from tools.builtin.clock import convert_time, current_time
from tools.builtin.notes import NotesStore
from tools.builtin.time_of_day import read_time
from tools.builtin.units import convert_units
from tools.errors import ToolFailed

NAMES = {definition["name"] for definition in toolset.builtin()}
SCHEMAS = {d["name"]: Draft202012Validator(d["parameters"]) for d in toolset.builtin()}


def _turns(*, dev: bool, n: int = 1500) -> list[Turn]:
    source = Source(Random(7), dev=dev)
    return [builtin_turn(source, NAMES) for _ in range(n)]


@pytest.mark.parametrize("dev", [False, True])
def test_every_call_to_an_own_tool_is_valid(dev: bool) -> None:
    for turn in _turns(dev=dev):
        for name, arguments in [
            *(call for round_ in turn.rounds for call in round_.calls),
            *(turn.target if isinstance(turn.target, list) else []),
        ]:
            assert not list(SCHEMAS[name].iter_errors(arguments)), turn


def test_no_slot_or_bracket_of_the_grammar_is_left_in_a_wording() -> None:
    for turn in _turns(dev=False):
        assert not any(mark in turn.said for mark in ("{", "}", "[", "|")), turn.said
        assert turn.said
        assert turn.said.strip() == turn.said


def test_copied_arguments_stand_in_the_request() -> None:
    for turn in _turns(dev=False):
        if turn.kind.split()[0] not in (
            "current_time",
            "convert_time",
            "save_note",
            "search_notes",
        ):
            continue
        assert isinstance(turn.target, list)
        for key, value in turn.target[0][1].items():
            in_words = key == "time" and not re.search(r"\d[:：]\d", turn.said)
            assert value in turn.said or in_words, turn


def test_every_expression_can_be_calculated_and_every_time_read() -> None:
    for turn in _turns(dev=False, n=6000):
        for name, arguments in turn.target if isinstance(turn.target, list) else []:
            if name == "convert_time":
                read_time(arguments["time"])
            if name != "calculate":
                continue
            with suppress(ToolFailed):  # no value (a division by zero) is no fault of the wording
                calculate(arguments["expression"])
            python = re.sub(r"(\d+)!", r"factorial(\1)", arguments["expression"])
            assert compile(python, "expression", "eval"), turn


def test_no_template_has_a_slot_that_nothing_fills() -> None:
    for module in (math_en, math_zh, people_math_en, people_math_zh):
        for table in (value for key, value in vars(module).items() if key.isupper()):
            for item in table:
                if isinstance(item, str):
                    assert Source(Random(1)).say(item).count("{}") == 1, item
                    continue
                template, expression = item
                chinese = module in (math_zh, people_math_zh)
                shown, values = math_slots.slots(Source(Random(1)), template, chinese)
                assert set(re.findall(r"\{(\w+)\}", template)) <= set(shown), template
                assert set(re.findall(r"\b[a-z]\d?\b", expression)) <= set(values), template


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_story_says_each_number_of_its_sum_however_it_is_worded(language: str) -> None:
    told = stories(language)
    assert len(told) == len({wording for wording, _ in told}) > 1000
    for wording, expression in told:
        shown, values = math_slots.slots(Source(Random(1)), wording, language == "zh")
        needed = set(re.findall(r"\b[a-z]\d?\b", expression))
        for seed in range(6):
            said = Source(Random(seed)).say(wording)
            slots = set(re.findall(r"\{(\w+)\}", said))
            assert slots <= set(shown), wording
            assert needed <= {slot.replace("M", "m") for slot in slots}, (wording, expression)
            assert not set("[]|") & set(said), wording
        compile(math_slots.fill(expression, values), "expression", "eval")


_TIMES, _UNITS, _NOTES = (
    (people_time_en, people_time_zh),
    (people_units_en, people_units_zh),
    (people_notes_en, people_notes_zh),
)
_BOTH = {
    "NOW": "ab",
    "THEN": "tabc",
    "THEN2": "t t2 a b",
    "DELETE": "ab",
    "SEARCH": "ab",
    "SAVE": "ab",
    "MATH": "ab",
    "VALUES": "v v2 u w",
    "TARGETS": "v u w w2",
}


@pytest.mark.parametrize(
    ("modules", "tables", "needed", "allowed"),
    [
        (_TIMES, "NOW_Q NOW_I NOW_X NOW", "c", "noN"),
        (_TIMES, "THEN_Q THEN_I THEN_X THEN", "abt", "nN"),
        (_UNITS, "QUESTIONS ORDERS GENERAL BY_FAMILY", "vuw", "ncN"),
        (_NOTES, "SAVE SAVE_TO", "t", "nNd"),
        (_NOTES, "QUOTED", "t", ""),
        (_NOTES, "SEARCH_Q SEARCH_I SEARCH ABOUT", "q", ""),
        *(((people_both,), f"{name} {name}_ZH", needed, "") for name, needed in _BOTH.items()),
    ],
)
def test_a_wording_has_the_slots_that_its_call_needs_and_no_others(
    modules: tuple[object, ...], tables: str, needed: str, allowed: str
) -> None:
    want = set(needed.split() if " " in needed else needed)
    for module in modules:
        for table in (getattr(module, name, []) for name in tables.split()):
            each = [t for ts in table.values() for t in ts] if isinstance(table, dict) else table
            for template in each:
                found = set(re.findall(r"\{(\w+)\}", template))
                assert want <= found <= want | set(allowed), template
                assert template.count("[") == template.count("]"), template


def test_two_requests_of_two_kinds_have_the_slots_of_both_calls() -> None:
    for template, wanted in people_both.MIXED + people_both.MIXED_ZH:
        found = set(re.findall(r"\{(\w+)\}", template))
        needed = set()
        for kind, *slots in wanted:
            letters = re.findall(r"\b[klm]\b", slots[0]) if kind == "calc" else slots
            needed |= set("vuw") if kind == "units" else set(letters)
        assert found == needed, template
        assert len(wanted) == 2


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (0, "zero", "零"),
        (12, "twelve", "十二"),
        (105, "one hundred and five", "一百零五"),
        (342, "three hundred and forty-two", "三百四十二"),
        (2010, "two thousand and ten", "二千零一十"),
        (9999, "nine thousand nine hundred and ninety-nine", "九千九百九十九"),
    ],
)
def test_numbers_in_words_are_written_as_people_do(value: int, english: str, chinese: str) -> None:
    assert spoken.in_words(value) == english
    assert spoken.in_characters(value) == chinese


def test_two_requests_that_share_a_verb_are_two_calls() -> None:
    for chinese in (False, True):
        source = Source(Random(2))
        for _ in range(300):
            said, calls = utter(source, [ask_both(source, chinese)])
            assert len(calls) == 2
            assert "{" not in said
            for name, arguments in calls:
                assert not list(SCHEMAS[name].iter_errors(arguments)), said


def test_every_own_tool_and_both_languages_are_asked_for() -> None:
    kinds = {turn.kind for turn in _turns(dev=False)}
    assert kinds >= NAMES
    assert {f"{name} zh" for name in NAMES} <= kinds
    assert {"two", "two zh", "talk", "missing", "told", "told zh"} <= kinds


def test_wordings_hardly_ever_repeat() -> None:
    said = [turn.said for turn in _turns(dev=False) if turn.kind.split()[0] in NAMES]
    assert len(set(said)) > 0.97 * len(said)


def test_held_out_templates_and_words_are_never_drawn_in_training() -> None:
    items = [f"template {i}" for i in range(200)]
    train, dev = Source(Random(1)), Source(Random(1), dev=True)
    assert not any(held_out(train.pick(items)) for _ in range(300))
    assert all(held_out(dev.pick(items)) for _ in range(300))


def test_the_same_seed_gives_the_same_data() -> None:
    one, two = data.Stream(Source(Random(5))), data.Stream(Source(Random(5)))
    assert [one.next() for _ in range(3)] == [two.next() for _ in range(3)]


def test_more_sums_can_be_asked_for() -> None:
    def share(sums: float) -> float:
        source = Source(Random(2), sums=sums)
        made = [builtin_turn(source, NAMES, "one").kind for _ in range(1200)]
        return sum(kind.startswith("calculate") for kind in made) / len(made)

    assert 0.3 < share(1) < 0.38
    assert 0.62 < share(4) < 0.72


def test_more_results_to_be_told_can_be_asked_for() -> None:
    def share(told: float) -> float:
        source = Source(Random(2), told=told)
        made = [builtin_turn(source, NAMES).kind for _ in range(1200)]
        return sum(kind.startswith("told") for kind in made) / len(made)

    assert 0.14 < share(1) < 0.2
    assert 0.41 < share(4) < 0.48


def test_answers_to_several_results_are_short_enough_to_be_learned() -> None:
    source = Source(Random(4), odd=0.3)
    for kind in ("told", "searched"):
        made = [builtin_turn(source, NAMES, kind) for _ in range(400)]
        several = [t.row(source) for t in made if t.rounds and len(t.rounds[0].calls) > 1]
        assert len(several) > 50
        kept = [row for row in several if len(row.ids) <= data.LONGEST_ROW]
        assert len(kept) > 0.93 * len(several)


def test_a_batch_holds_fewer_long_rows_and_none_is_lost() -> None:
    rows = [Row([0] * length, 1) for length in (448, 20, 300, 40, 30, 440, 50)]
    assert [[len(row.ids) for row in part] for part in data.cut(rows, 3)] == [
        [20, 30, 40],
        [50, 300, 440],
        [448],
    ]
    many = data.cut([Row([0] * 400, 1)] * 40, 40)
    assert [len(part) for part in many] == [19, 19, 2]
    assert 19 * 400 <= data.MOST_TOKENS < 20 * 400


def test_of_several_results_each_is_told_from_itself() -> None:
    source = Source(Random(4), odd=0.3)
    made = [builtin_turn(source, NAMES, "told") for _ in range(300)]
    two = [turn for turn in made if len(turn.rounds[0].calls) == 2]
    assert len(two) > 150
    for turn in two:
        for result in turn.rounds[0].results:
            translated = {"weekday", "day"} if turn.kind.endswith(" zh") else set[str]()
            for held in result.get("notes", [result]):
                for key, value in held.items():
                    if key not in translated | {"deleted"}:
                        assert str(value) in turn.target, turn


def test_the_errors_to_be_told_are_those_that_the_tools_give() -> None:
    notes = NotesStore(":memory:")
    failing: dict[str, Sequence[Callable[[], object]]] = {
        "calculate": [partial(calculate, each) for each in ("1 / 0", "2 ° 3", "2 +", "2 3")],
        "current_time": [partial(current_time, each) for each in ("Xqzzt", "Lndon", "usa")],
        "convert_time": [
            partial(convert_time, "9 am", "Paris", "Xqzzt"),
            partial(convert_time, "9 am", "Lndon", "Paris"),
            partial(convert_time, "soon", "Paris", "Oslo"),
        ],
        "convert_units": [
            partial(convert_units, 1, "qqzz", "meter"),
            partial(convert_units, 1, "meter", "qqzz"),
            partial(convert_units, 1, "meter", "gram"),
        ],
        "delete_note": [partial(notes.delete, "a", 7)],
        "save_note": [partial(notes.save, "a", " ", "call")],
    }
    assert set(failing) == set(outcomes.ERRORS)
    for name, calls in failing.items():
        said: list[str] = []
        for call in calls:
            with pytest.raises(ToolFailed) as failed:
                call()
            said.append(str(failed.value))
        for template in outcomes.ERRORS[name]:
            pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(template))
            assert any(re.fullmatch(pattern, each) for each in said), (template, said)


@pytest.mark.parametrize("chinese", [False, True])
def test_calls_to_invented_tools_are_valid(chinese: bool) -> None:
    source = Source(Random(3))
    for _ in range(150):
        tools = [invented.tool(source, chinese) for _ in range(3)]
        schemas = {
            t.definition["name"]: Draft202012Validator(t.definition["parameters"]) for t in tools
        }
        for schema in schemas.values():
            Draft202012Validator.check_schema(schema.schema)
        turn = invented_turn(source, tools, chinese)
        if isinstance(turn.target, list):
            for name, arguments in turn.target:
                assert not list(schemas[name].iter_errors(arguments)), turn


def _after_a_search() -> list[Turn]:
    source = Source(Random(11))
    return [builtin_turn(source, NAMES, "searched") for _ in range(1500)]


def test_a_note_that_was_to_be_found_is_told_and_nothing_else_is_called() -> None:
    found = [turn for turn in _after_a_search() if turn.kind.split()[0] == "found"]
    assert len(found) > 400
    for turn in found:
        assert isinstance(turn.target, str)
        (searched,) = turn.rounds
        assert "delete_note" not in [name for name, _ in searched.calls]
        for note in _found_notes(turn):
            assert str(note["note_id"]) in turn.target
            assert note["text"] in turn.target


def test_of_what_a_search_found_only_a_single_note_is_deleted() -> None:
    kinds: Counter[str] = Counter()
    for turn in _after_a_search():
        kind = turn.kind.split()[0]
        kinds[kind] += 1
        if not kind.startswith("delete_") or not turn.rounds:
            continue
        notes = _found_notes(turn)
        query = next(args["query"] for name, args in turn.rounds[0].calls if name == "search_notes")
        assert all(query.casefold() in note["text"].casefold() for note in notes)
        if kind == "delete_found":
            (note,) = notes
            assert turn.target == [("delete_note", {"note_id": note["note_id"]})]
        else:
            assert isinstance(turn.target, str)
            asked = turn.target.endswith((after_search.WHICH, after_search.WHICH_ZH))
            assert asked == (len(notes) > 1)
    assert set(kinds) == set(after_search.KINDS)


def _found_notes(turn: Turn) -> list[dict[str, Any]]:
    return [note for result in turn.rounds[0].results for note in result.get("notes", ())]
