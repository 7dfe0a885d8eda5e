"""Private values leave as placeholders and come back: whatever the text, however it is cut."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies.filters.known import KNOWN
from policies.filters.listed import pattern, words
from policies.filters.sieve import segments
from policies.privacy.placeholders import FORM, LETTERS, UNKNOWN
from policies.privacy.shield import Shield

ALL = [each for kind in KNOWN.values() for each in kind]
SEEN = "PRIVATE_EMAIL_BCDFGHJKLMNQ"
PIECES = [
    "bob@example.com", "ｂｏｂ＠example.com", "13812345678", "4111 1111 1111 1111", "+49 30 901820", "@b.com",
    "11010519491231002X", "sk-proj-abcdefghijklmnop1234", "-----BEGIN PRIVATE KEY-----", "PRIVATE_", "PRIVATE_EMAIL_",
    "PRIVATE_PHONE_BCDFGHJKLM", SEEN, SEEN.lower(), "P", "PRI", "_", "BCDF", "张伟", "，", " ", '"', "\\", "\n", "\u200b",
    "😀", "\ud800", "é", "DE44 5001 0517 5407 3249 31",
]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=12).map("".join)
JSON = st.recursive(
    st.one_of(TEXTS, st.integers(), st.booleans(), st.none(), st.just(13812345678)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


def left_over(text: str, shield: Shield) -> list[str]:
    """What detectors still find in a text that left, but for placeholders themselves."""
    apart = FORM.sub(lambda match: match.group() if shield.restored(match.group()) else "", text)
    return [
        each.text
        for each in segments(apart, ALL)
        if each.kind and FORM.fullmatch(each.text) is None
    ]


def leaves(value: Any) -> Iterator[str]:
    """Every text, name and number in JSON, as text."""
    if isinstance(value, dict):
        for name, each in cast("dict[str, Any]", value).items():
            yield name
            yield from leaves(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from leaves(each)
    else:
        yield value if isinstance(value, str) else json.dumps(value)


@settings(max_examples=300)
@given(TEXTS)
@example(f"{SEEN}{SEEN}bob@example.com")
@example("-----BEGIN PRIVATE KEY-----" + "x" * 8300 + "@b.com")
def test_any_text_comes_back_as_it_was_and_nothing_that_is_found_left(text: str) -> None:
    shield = Shield(ALL)
    sent = shield.text(text)
    assert shield.restored(sent) == text
    assert left_over(sent, shield) == []
    assert SEEN not in sent


@settings(max_examples=200)
@given(TEXTS, TEXTS)
def test_it_comes_back_the_same_however_it_is_cut(text: str, other: str) -> None:
    shield = Shield(ALL)
    sent = shield.text(text) + other + SEEN[:-1]
    whole = shield.restorer()
    expected = whole.feed(sent) + whole.finish()
    for size in (1, 2, 7):
        cut = shield.restorer()
        fed = [cut.feed(sent[at : at + size]) for at in range(0, len(sent), size)]
        assert "".join(fed) + cut.finish() == expected


@settings(max_examples=200)
@given(JSON)
def test_any_json_comes_back_as_it_was(value: Any) -> None:
    shield = Shield(ALL)
    sent = shield.value(value)
    assert [each for said in leaves(sent) for each in left_over(said, shield)] == []

    def back(sent: Any, was: Any) -> bool:
        if isinstance(was, dict):
            names = [shield.restored(name) for name in sent]
            return names == list(was) and all(map(back, sent.values(), was.values()))
        if isinstance(was, list):
            return len(sent) == len(was) and all(map(back, sent, was))
        if isinstance(sent, str) and not isinstance(was, str):
            return shield.restored(sent) == json.dumps(was)
        return (shield.restored(sent) if isinstance(sent, str) else sent) == was

    assert back(sent, value)


@given(JSON)
@example({"a": "\x1f@b.com"})
def test_json_as_text_is_searched_as_json_and_as_text(value: Any) -> None:
    shield = Shield(ALL)
    sent = shield.json_text(json.dumps(value))
    assert left_over(sent, shield) == []


def test_the_same_value_has_the_same_placeholder_in_a_run_and_another_in_the_next() -> None:
    shield, other = Shield(ALL), Shield(ALL)
    first = shield.text("写给 bob@example.com。")
    assert first.startswith("写给 PRIVATE_EMAIL_")
    assert shield.text("bob@example.com!")[:-1] == first.removeprefix("写给 ").removesuffix("。")
    assert other.text("写给 bob@example.com。") != first
    assert re.fullmatch(f"写给 PRIVATE_EMAIL_[{LETTERS}]{{12}}。", first)


def test_what_nobody_made_is_said_to_be_unknown() -> None:
    restorer = Shield(ALL).restorer()
    assert restorer.feed(f"To {SEEN}, from") + restorer.finish() == f"To {UNKNOWN}, from"
    assert restorer.unknown


def test_a_text_waits_no_longer_than_it_may_become_a_placeholder() -> None:
    shield = Shield(ALL)
    sent = shield.text("bob@example.com")
    restorer = shield.restorer()
    assert restorer.feed("I wrote to " + sent[:20]) == "I wrote to "
    assert restorer.feed(sent[20:]) == "bob@example.com"
    assert restorer.feed(" today. PRIVATELY") == " today. PRIVATELY"


def test_learnt_values_are_found_as_whole_words_wherever_they_stand() -> None:
    shield = Shield(ALL)
    shield.learn(["Ann Lee", "张伟", "Bo", "ann lee"])
    sent = shield.text("ANN LEE, Joann Leeds, Bo，张伟先生")
    assert re.fullmatch(r"PRIVATE_FIELD_\w+, Joann Leeds, Bo，PRIVATE_FIELD_[A-Z]+先生", sent)
    assert shield.restored(sent) == "ANN LEE, Joann Leeds, Bo，张伟先生"


def test_marked_leaves_go_whole_however_short_they_are() -> None:
    shield = Shield(ALL)
    sent = shield.value({"name": "Bo", "age": 5, "is": True, "none": None}, {("name",), ("age",)})
    assert FORM.fullmatch(sent["name"])
    assert shield.restored(sent["age"]) == "5"
    assert (sent["is"], sent["none"]) == (True, None)


@pytest.mark.parametrize(
    "rule", [words(["private", "email"]), pattern("[A-Z_]{3,30}"), pattern("_[A-Z]{12}.")]
)
def test_rules_that_find_something_in_placeholders_come_to_an_end(rule: Any) -> None:
    shield = Shield([*ALL, rule])
    text = "Mail bob@example.com and 13812345678, HELLO."
    assert shield.restored(shield.text(text)) == text


def test_what_is_known_is_in_no_representation() -> None:
    shield = Shield(ALL)
    shield.text("bob@example.com")
    assert "bob" not in repr(shield)
