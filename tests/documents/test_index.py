"""The index leads to every page, once, and orders them by what they are for."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.documents.place import ROOT
from tests.test_documents import documents

DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
KINDS = ["Tutorial", "How-to", "Reference", "Explanation"]


def test_every_page_stands_once_in_the_index() -> None:
    text = INDEX.read_text(encoding="utf-8")
    linked = Counter(re.findall(r"\]\(([\w/-]+\.md)\)", text))
    pages = {str(page.relative_to(DOCS)) for page in DOCS.glob("**/*.md")} - {"README.md"}
    assert linked == dict.fromkeys(pages, 1)


def test_the_index_has_the_four_kinds_and_the_reference_is_made_from_the_code() -> None:
    text = INDEX.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == KINDS
    reference = text.partition("## Reference")[2].partition("## ")[0]
    linked = {DOCS / page for page in re.findall(r"\]\(([\w/.-]+)\)", reference)}
    assert linked >= documents().pages().keys()
    pages = [page for page in linked if page.suffix == ".md"]
    assert all("documents.py" in page.read_text(encoding="utf-8") for page in pages)


def test_the_readme_leads_to_the_index() -> None:
    assert "(docs/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_page_that_the_code_has_left_behind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = documents()
    changed = {made.PAGES / "errors.md": "what the code would make now"}
    monkeypatch.setattr(made, "pages", lambda: {**documents().pages(), **changed})
    problem = "docs/reference/errors.md is out of date: python scripts/documents.py write"
    assert problem in made.check()
