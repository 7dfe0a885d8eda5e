from __future__ import annotations

import pytest

from tools.retrieval.terms import terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("get_user_name", "getUserName"),
        ("get-user-name", "GetUserName"),
        ("HTTPServer.start", "http server start"),
        ("booking hotels", "book hotel"),
        ("cities", "city"),
        ("calculating", "calculate"),
        ("planned", "plan"),
    ],
)
def test_spellings_of_the_same_have_the_same_terms(one: str, other: str) -> None:
    assert terms(one) == terms(other)


def test_words_of_any_request_are_left_out() -> None:
    assert terms("Could you please tell me what the weather is?") == ["tell", "weather"]


def test_chinese_is_compared_by_pairs_and_beside_latin_words() -> None:
    assert terms("查询天气API") == ["查询", "询天", "天气", "api"]
    assert terms("水") == ["水"]


@pytest.mark.parametrize("text", ["", "?!…", "\ud800", "_" * 1_000, "a" * 100_000])
def test_odd_texts_give_few_terms_and_never_raise(text: str) -> None:
    assert len(terms(text)) <= 1
