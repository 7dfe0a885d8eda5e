"""Detectors, the sieve that text streams through, and what the rule `filter` does with what is found."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.chunk import TextChunk
from mistral_common.protocol.instruct.messages import (
    ChatMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

from policies.decision import ALLOW, Deny, RequireApproval
from policies.filters.known import KNOWN
from policies.filters.listed import BadList, pattern, words
from policies.filters.sieve import Detector, Segment, Sieve, segments
from policies.loader import PolicyError, parse
from policies.policy import Policies, Subject
from tests.growth import assert_linear
from tools.spec import Annotations, Failure, ToolResult, ToolSpec, ValidCall

ALL = [each for kind in KNOWN.values() for each in kind]
SUBJECT = Subject("run_1")
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/==\nabc\n-----END RSA PRIVATE KEY-----"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"


def found(text: str, detectors: Sequence[Detector] = ALL) -> list[tuple[str, str]]:
    return [(each.kind, each.text) for each in segments(text, detectors) if each.kind]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "bob.smith+x@mail.example.co.uk"),
        ("email", "ＢＯＢ＠ＥＸＡＭＰＬＥ．ＣＯＭ"),
        ("email", "bo\u200bb@exam\u00adple.com"),
        ("phone", "+49 (0)30 901820"),
        ("phone", "+1-202-555-0143"),
        ("phone", "(202) 555-0143"),
        ("phone", "13812345678"),
        ("phone", "138 1234 5678"),
        ("card", "4111 1111 1111 1111"),
        ("card", "4111-1111-1111-1111"),
        ("card", "378282246310005"),
        ("card", "４１１１１１１１１１１１１１１１"),
        ("iban", "DE44 5001 0517 5407 3249 31"),
        ("iban", "GB29NWBK60161331926819"),
        ("cn_id", "11010519491231002X"),
        ("api_key", "sk-proj-abcdefghijklmnop1234"),
        ("api_key", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("api_key", "AKIAIOSFODNN7EXAMPLE"),
        ("api_key", "AIza" + "b" * 35),
        ("api_key", TOKEN),
        ("private_key", KEY),
    ],
)
def test_each_kind_is_found_whole_wherever_it_stands(kind: str, text: str) -> None:
    for around in ("{}", "see {}, please", "（{}）", "电话：{}。", "{}\nnext"):
        assert found(around.format(text)) == [(kind, text)]


@pytest.mark.parametrize(
    "text",
    [
        "an ordinary sentence, with 3 numbers: 12, 1999 and 100000.",
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "DE44 5001 0517 5407 3249 32",
        "110105194912310021",
        "11010519491331002X",
        "bob@localhost",
        "@handle and a@",
        "version 1.2.3-4, 2026-11-21 10:45:34",
        "sk-short",
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
        "task-abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_what_only_looks_like_one_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_card_is_found_beside_other_numbers() -> None:
    assert found("order 12 4111 1111 1111 1111 12/27") == [("card", "4111 1111 1111 1111")]


def test_a_private_key_without_an_end_is_found_to_the_end() -> None:
    assert found("x " + KEY[:40]) == [("private_key", KEY[:40])]


@pytest.mark.parametrize(
    ("listed", "text", "expected"),
    [
        (["ass"], "a class, an ASS.", ["ASS"]),
        (["敏感词"], "这里有敏感词出现，敏 感词没有", ["敏感词"]),
        (["法轮"], "看法轮流表达", ["法轮"]),
        (["foo", "foo bar"], "foo barn, foo  bar", ["foo", "foo  bar"]),
        (["straße"], "STRASSE", ["STRASSE"]),
        (["секрет"], "Это СЕКРЕТ, не секретарь", ["СЕКРЕТ"]),
        (["비밀"], "비밀을 말하다", ["비밀"]),
        (["ガイド"], "ｶﾞｲﾄﾞ本", ["ｶﾞｲﾄﾞ"]),
        (["カ"], "ｶﾞ", []),
        (["ลับ"], "ความลับของ", ["ลับ"]),
        (["c++"], "C++ and c", ["C++"]),
        (["bad"], "b\u200ba\u200bd", ["b\u200ba\u200bd"]),
    ],
)
def test_words_are_found_in_scripts_with_and_without_spaces(
    listed: list[str], text: str, expected: list[str]
) -> None:
    assert [word for _, word in found(text, [words(listed)])] == expected


def test_thousands_of_words_are_looked_for_at_once() -> None:
    detector = words([f"word{n}" for n in range(5_000)] + [f"词{n}" for n in range(2_000)])
    assert [word for _, word in found("a word4999 and 词1999。", [detector])] == [
        "word4999",
        "词1999",
    ]


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("a+", "1,100"),
        ("x*", "empty text"),
        ("(", "no regular expression"),
        ("a(?=b)", "RE2"),
        ("[a-z]{1,900}[a-z]{1,900}", "1000"),
        ("a.{900}c", "2000 are allowed"),
        ("\ud800", "surrogate"),
    ],
)
def test_a_pattern_that_can_not_be_streamed_is_refused(expression: str, why: str) -> None:
    with pytest.raises(BadList, match=why):
        pattern(expression)


def test_a_pattern_is_found_without_regard_to_case_and_width() -> None:
    assert found("PRJ-１２３４ and prj-99", [pattern(r"\bprj-\d{4}\b")]) == [
        ("pattern", "PRJ-１２３４")
    ]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1 ",
        "@",
        "a@",
        "a a ",
        "eyj-",
        "4111 ",
        "-----begin ",
        "de44",
        "+1 ",
        "\u200b",
        "é",
        "a ",
        "敏*",
        "敏",
        "一",
    ],
)
def test_hostile_text_takes_time_that_grows_with_its_length(piece: str) -> None:
    listed = words(["aaaaaaaaab", "a a a b", "敏敏敏感"])
    detectors = [*ALL, listed, listed.taken_apart(), pattern("(a|aa){1,30}b")]
    assert_linear(lambda n: (piece * n)[:n], lambda text: segments(text, detectors), 16_000)


PIECES = st.sampled_from(
    ["bob@example.com", "4111 1111 1111 1111", "DE44500105175407324931", "+49 30 901820", "11010519491231002X",
     TOKEN, KEY, KEY[:50], "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "敏感词", "敏感", "bad", "Bad word", "badly",
     "b\u200bad", "ＢＡＤ", "PRJ-1234", "ﬁ", "ß", " ", "\n", "-", "1", "@", ".", "é", "x", "ｶﾞ", "ガイド", "\u200b",
     "-----BEGIN", "the end", "b-a-", "d", "敏*", "感 ", "感", "词", "*", "轮", "一三八零零", "1 3 8 "]
)  # fmt: skip
WORDS = ["the ", "meeting ", "is on ", "Friday, ", "as you ", "asked: ", "(me) ", "a.b ",
         "xoxb-abcdefghij ", "AKIAABCDEFGHIJKLMNOP", "de", "86 ", "+", "a_b-c "]  # fmt: skip
WORDS_ = words(["bad", "bad word", "敏感词", "ガイド", "strasse"])
DETECTORS = [
    *ALL,
    WORDS_,
    WORDS_.taken_apart(),
    pattern(r"\bprj-\d{4}\b"),
]


@given(st.lists(PIECES | st.text(max_size=5), max_size=12), st.data())
@settings(max_examples=150, deadline=None)
def test_however_a_text_is_cut_the_same_is_found_in_it(
    pieces: list[str], data: st.DataObject
) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=30)))
    sieve = Sieve(DETECTORS)
    streamed: list[Segment] = []
    for start, end in pairwise([0, *cuts, len(text)]):
        streamed += sieve.feed(text[start:end])
    streamed += sieve.finish()
    assert "".join(each.text for each in streamed) == text
    assert joined(streamed) == joined(segments(text, DETECTORS))


def test_of_two_that_begin_together_the_longer_gives_its_name_wherever_the_text_is_cut() -> None:
    text = "11010519491231002X.bob@example.com"
    for cut in range(len(text)):
        sieve = Sieve(DETECTORS)
        streamed = [*sieve.feed(text[:cut]), *sieve.feed(text[cut:]), *sieve.finish()]
        assert joined(streamed) == [(text, "email")]


@given(st.lists(PIECES, max_size=8))
@settings(max_examples=100, deadline=None)
def test_one_character_at_a_time_finds_the_same(pieces: list[str]) -> None:
    text = "".join(pieces)
    sieve = Sieve(DETECTORS)
    streamed = [each for character in text for each in sieve.feed(character)] + sieve.finish()
    assert joined(streamed) == joined(segments(text, DETECTORS))


QUICK = [*ALL, WORDS_, WORDS_.taken_apart()]
"""Of these it is known with which words of ASCII text their matches begin."""


class Closely(Sieve):
    """Asks every detector of everything."""

    def _pass(self) -> None:
        return None


@given(st.lists(PIECES | st.sampled_from(WORDS), max_size=10), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_what_is_passed_on_without_asking_holds_nothing(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    for detectors in (DETECTORS, ALL, QUICK, *([each] for each in DETECTORS)):
        told: list[list[Segment]] = []
        for sieve in (Sieve(detectors), Closely(detectors)):
            fed = [sieve.feed(text[at : at + size]) for at in range(0, len(text), size)]
            told.append([*chain.from_iterable(fed), *sieve.finish()])
        assert joined(told[0]) == joined(told[1])


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("I have told everybody that the meeting is on Friday, as you asked me to. ", 4),
        ("我已经告诉大家会议改到周五了，如您所愿。預算的問題，我會儘快給您答覆……", 2),
        ("金曜日に変更されたことを皆さんに伝えました。ガードを", 2),
    ],
)
def test_ordinary_text_of_any_script_is_passed_on_without_asking_each_detector(
    text: str, size: int
) -> None:
    class Counting(Sieve):
        closely = 0

        def _advance(self, *, last: bool) -> list[Segment]:
            self.closely += not last
            return super()._advance(last=last)

    sieve = Counting(QUICK)
    told = [each for at in range(0, len(text), size) for each in sieve.feed(text[at : at + size])]
    assert "".join(each.text for each in [*told, *sieve.finish()]) == text
    assert sieve.closely == 0


STARTS = ["bad", "new york", "a-b", "x1", "c++", "don't", "a股", "坏", "I/O", "co-op town"]


@given(
    st.lists(
        st.sampled_from(
            [*"abcnox1 .-_'(+", " ", "bad", "new", "york", "a-b", "c++", "co-op", "é", "坏"]
        )
        | st.sampled_from(STARTS),
        max_size=12,
    ),
    st.integers(1, 7),
)
@settings(max_examples=300, deadline=None)
def test_words_by_which_matches_begin_hide_no_match(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    listed = words(STARTS)
    assert listed.firsts is not None
    for detectors in ([*ALL, listed], [*ALL, listed, listed.taken_apart()]):
        told: list[list[Segment]] = []
        for sieve in (Sieve(detectors), Closely(detectors)):
            fed = [sieve.feed(text[at : at + size]) for at in range(0, len(text), size)]
            told.append([*chain.from_iterable(fed), *sieve.finish()])
        assert joined(told[0]) == joined(told[1])


def test_a_word_that_begins_with_a_sign_is_looked_for_everywhere() -> None:
    assert words([".net", "bad"]).firsts is None
    assert [
        each.text for each in segments("use .net now", [*ALL, words([".net"])]) if each.kind
    ] == [".net"]


def joined(found: Sequence[Segment]) -> list[tuple[str, str | None]]:
    """Plain pieces beside each other as one."""
    out: list[tuple[str, str | None]] = []
    for each in found:
        if each.kind is None and out and out[-1][1] is None:
            out[-1] = (out[-1][0] + each.text, None)
        else:
            out.append((each.text, each.kind))
    return out


def test_ordinary_text_waits_no_longer_than_a_word() -> None:
    sieve = Sieve(DETECTORS[:-1])
    assert "".join(each.text for each in sieve.feed("Hello there, my frie")) == "Hello there, my "
    assert "".join(each.text for each in sieve.feed("nd. ")) == "friend. "


def rule(**settings_: Any) -> Policies:
    return parse({"rules": [{"filter": settings_}]})


def call(arguments: dict[str, Any], **hints: bool) -> ValidCall:
    return ValidCall(
        "abcdefghi", ToolSpec("send", "", {}, annotations=Annotations(**hints)), arguments
    )


MAIL = "write to bob@example.com"


def test_input_is_masked_for_the_models_in_every_kind_of_message() -> None:
    mask = rule(find=["email"], at=["input", "result"], action="mask")
    messages: list[ChatMessage] = [
        SystemMessage(content=MAIL),
        UserMessage(content=[TextChunk(text=MAIL)]),
        ToolMessage(content=MAIL, tool_call_id="abcdefghi"),
        UserMessage(content="nothing"),
    ]
    read = mask.on_messages(SUBJECT, messages)
    assert [str(each.content).count("[email]") for each in read] == [1, 1, 1, 0]
    assert "bob" not in str(read)


def test_blocked_input_denies_the_request_and_the_reason_repeats_nothing() -> None:
    block = rule(name="pii", find=["email"], at=["input"], action="block")
    denied = block.on_request(SUBJECT, [UserMessage(content=MAIL)])
    assert isinstance(denied, Deny)
    assert denied.rule == "pii"
    assert "bob" not in denied.reason
    assert block.on_request(SUBJECT, [UserMessage(content="hello")]) == ALLOW


def test_a_result_is_masked_or_withheld() -> None:
    result = ToolResult("abcdefghi", "read", MAIL)
    masked = rule(find=["email"], at=["result"], action="mask", mask="***")
    assert masked.on_result(SUBJECT, call({}), result).content == "write to ***"
    withheld = rule(find=["email"], at=["result"], action="block").on_result(
        SUBJECT, call({}), result
    )
    assert withheld.failure is Failure.DENIED
    assert "bob" not in withheld.content


def test_arguments_are_denied_or_held_and_never_rewritten() -> None:
    deep = call({"a": [{"b": MAIL}]})
    for action, decision in (("block", Deny), ("mask", Deny), ("hold", RequireApproval)):
        held = rule(find=["email"], at=["call"], action=action)
        assert isinstance(held.on_call(SUBJECT, deep), decision)
        assert held.on_call(SUBJECT, call({"a": 1, "b": None, "c": True})) == ALLOW
    numbers = rule(find=["card"], at=["call"], action="block")
    assert isinstance(numbers.on_call(SUBJECT, call({"n": 4111111111111111})), Deny)
    assert isinstance(numbers.on_call(SUBJECT, call({"4111111111111111": 1})), Deny)


def test_a_held_conversation_may_read_and_needs_a_person_to_change_something() -> None:
    held = rule(words=["重要"], at=["input"], action="hold")
    subject = Subject(messages=[UserMessage(content="这很重要")])
    assert isinstance(held.on_call(subject, call({})), RequireApproval)
    assert held.on_call(subject, call({}, read_only=True)) == ALLOW


def test_a_flag_is_logged_without_the_text(caplog: pytest.LogCaptureFixture) -> None:
    flag = rule(
        name="watch", find=["email"], at=["input", "result", "call", "output"], action="flag"
    )
    assert flag.on_request(SUBJECT, [UserMessage(content=MAIL)]) == ALLOW
    assert flag.on_call(SUBJECT, call({"a": MAIL})) == ALLOW
    assert flag.on_result(SUBJECT, call({}), ToolResult("a", "b", MAIL)).content == MAIL
    screen = flag.screen(SUBJECT)
    assert screen is not None
    assert screen.feed(MAIL) + screen.finish() == MAIL
    assert [record.getMessage() for record in caplog.records] == [
        f"watch: email in {place} of run run_1" for place in ("input", "call", "result", "output")
    ]


def test_rules_in_a_row_screen_what_the_one_before_lets_out() -> None:
    rules = parse(
        {"rules": [
            {"filter": {"find": ["email"], "at": ["output"], "action": "mask", "mask": "a bad thing"}},
            {"filter": {"name": "words", "words": ["bad thing"], "at": ["output"], "action": "block"}},
        ]}
    )  # fmt: skip
    screen = rules.screen(SUBJECT)
    assert screen is not None
    assert screen.feed("To bob@example.com it goes") + screen.finish() == "To a "
    assert screen.stopped == "words: word"


def test_without_a_filter_on_the_output_there_is_no_screen() -> None:
    assert rule(find=["email"], at=["input"], action="mask").screen(SUBJECT) is None


def test_a_file_of_words_lies_beside_the_rules(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("# listed\nbad\n\n坏词\n", encoding="utf-8")
    document = {
        "rules": [{"filter": {"words_file": "words.txt", "at": ["input"], "action": "block"}}]
    }
    rules = parse(document, base=tmp_path)
    assert isinstance(rules.on_request(SUBJECT, [UserMessage(content="这是坏词")]), Deny)
    with pytest.raises(PolicyError, match=r"words\.txt"):
        parse(document, base=tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("settings_", "where"),
    [
        ({"at": ["input"], "action": "mask"}, "say what to look for"),
        ({"find": ["emails"], "at": ["input"], "action": "mask"}, r"filter\.find\[0\]"),
        ({"find": ["email"], "at": [], "action": "mask"}, r"filter\.at"),
        ({"find": ["email"], "at": ["input"], "action": "delete"}, r"filter\.action"),
        ({"find": ["email"], "at": ["output"], "action": "hold"}, "can't be held"),
        ({"patterns": ["a+"], "at": ["input"], "action": "mask"}, "1,100"),
    ],
)
def test_a_mistake_in_a_filter_is_refused_with_its_place(
    settings_: dict[str, Any], where: str
) -> None:
    with pytest.raises(PolicyError, match=where):
        rule(**settings_)


@given(st.text(max_size=400))
@settings(max_examples=80, deadline=None)
def test_any_text_goes_through(text: str) -> None:
    assert "".join(each.text for each in segments(text, DETECTORS)) == text


@given(st.text(max_size=30))
@settings(max_examples=80, deadline=None)
def test_any_pattern_is_taken_or_refused(expression: str) -> None:
    try:
        detector = pattern(expression)
    except BadList:
        return
    segments("some text 123", [detector])


@given(st.lists(st.text(max_size=10), max_size=5))
@settings(max_examples=80, deadline=None)
def test_any_list_of_words_is_taken_or_refused(listed: list[str]) -> None:
    try:
        detector = words(listed)
    except BadList:
        return
    segments(" ".join(listed), [detector])
