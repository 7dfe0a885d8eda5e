"""Numbers are compared by what they say, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.numerals import numbers, plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.5"),
        ("1.234,5", "1234.5"),
        ("1 000 000", "1000000"),
        ("3k", "3000"),
        ("twenty-five boxes", "25"),
        ("two hundred and five", "205"),
        ("a dozen eggs", "12"),
        ("half a litre", "0.5"),
        ("三百二十个", "320"),
        ("两千零五", "2005"),
        ("十二点五度", "12.5"),
        ("一万", "10000"),
        ("007", "7"),
        ("v1.2.3", "3"),
    ],
)
def test_a_number_is_found_in_its_one_spelling(text: str, value: str) -> None:
    assert value in numbers(text)


@given(st.integers(0, 10**9))
def test_thousands_separators_change_nothing(value: int) -> None:
    assert str(value) in numbers(f"{value:,}")
    assert str(value) in numbers(f"pay {value} now")


@given(st.text(max_size=200) | st.text("0123456789.,' 千万亿点十一kand thousand-", max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    assert all(found == plain(found) for found in numbers(text))


def test_what_is_no_number_has_no_spelling() -> None:
    assert [plain(text) for text in ("", "nan", "inf", "1e999", "abc")] == [""] * 5
