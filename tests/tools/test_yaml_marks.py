from __future__ import annotations

import pytest

from tools.yaml_marks import Mark, read_marked

TEXT = """\
# first
name: a
list:
  - {x: 1}
  - y: "2"
---
- on
"""


def test_every_key_and_value_knows_its_line_and_column() -> None:
    (first, second), faults = read_marked(TEXT)
    assert faults == []
    assert first.data == {"name": "a", "list": [{"x": 1}, {"y": "2"}]}
    assert first.key(("list",)) == Mark(3, 1)
    assert first.value(("list", 0, "x")) == Mark(4, 9)
    assert first.value(("list", 1)) == Mark(5, 5)
    assert second.data == ["on"]
    assert second.value((0,)) == Mark(7, 3)


def test_what_is_not_there_stands_where_the_innermost_around_it_does() -> None:
    [document], _ = read_marked(TEXT.partition("---")[0])
    assert document.key(("list", 0, "missing", "deep")) == Mark(4, 5)


def test_what_an_alias_brings_stands_where_it_was_brought_to() -> None:
    [document], _ = read_marked("a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n")
    assert document.data["d"] == {"e": 2, "b": 1}
    assert document.value(("c", "b")) == Mark(2, 4)
    assert document.key(("d", "b")) == Mark(4, 3)


def test_faults_are_told_all_at_once_and_the_rest_is_read() -> None:
    documents, faults = read_marked(
        "a: 1\na: !!set x\nb: *none\n---\n? [k]\n: 1\n---\nc: 2\n---\n["
    )
    assert [each.data for each in documents] == [{"a": "x", "b": None}, {"c": 2}]
    assert [(each.mark.line, each.why.split(":")[0]) for each in faults] == [
        (2, "the key 'a' stands twice in one mapping"),
        (2, "the tag tag"),
        (3, "*none names nothing"),
        (5, "a key must be text"),
        (11, "no YAML"),
    ]


@pytest.mark.parametrize("text", ["\x07", "a: [" * 200, "%YAML 9\n", "a:\n\t- b"])
def test_no_text_is_answered_with_an_exception(text: str) -> None:
    _, faults = read_marked(text)
    assert faults
