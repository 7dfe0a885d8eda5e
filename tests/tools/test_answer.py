"""How a tool's value reads to a model."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tools.answer import as_text, error_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ({"天": [1, None, True]}, '{"天":[1,null,true]}'),
        (2**70, "1180591620717411303424"),
        ({"big": 2**70}, '{"big":1180591620717411303424}'),
        ("half \ud800", "half ?"),
        (["half \ud800"], '["half ?"]'),
    ],
)
def test_a_value_reads_as_text_or_compact_json_in_whole_characters(value: Any, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, [2**70, math.nan]])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        as_text(value)


def test_a_failure_reads_as_an_error_object() -> None:
    assert error_text("no \ud800") == '{"error":"no ?"}'
