"""Short stories that end in one sum, a line each: ``stories/money_en.tsv`` holds a wording, a tab and its expression.

What the stories are about names their files; ``{c}``, ``{d}`` and ``{day}`` are places and days that have nothing to do
with the answer. Slots and alternatives are those of `models.nano.math_slots` and `models.nano.grammar`.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def stories(language: str) -> list[tuple[str, str]]:
    """(wording, expression) of all the files of a language, ``en`` or ``zh``."""
    found: list[tuple[str, str]] = []
    for file in sorted(_FOLDER.glob(f"*_{language}.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines():
            wording, expression = line.split("\t")
            found.append((wording, expression))
    return found
