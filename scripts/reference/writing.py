"""What all pages have in common."""

from __future__ import annotations

from collections.abc import Sequence

Row = Sequence[str]


def head(title: str, source: str, about: str) -> list[str]:
    """The first lines of a page."""
    made = f"<!-- Written by `python scripts/documents.py write` from {source}. -->"
    return [f"# {title}", "", made, "", about]


def table(names: Row, rows: Sequence[Row]) -> list[str]:
    """A table, behind an empty line; nothing where there is nothing in it."""
    if not rows:
        return []
    lines = ["", f"| {' | '.join(names)} |", f"| {' | '.join('---' for _ in names)} |"]
    return lines + ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    """As code."""
    return f"`{text}`"


def whole(lines: Sequence[str]) -> str:
    """The page."""
    return "\n".join(lines) + "\n"
