"""The table in docs/schema-targets.md, from what the compilers say (`python scripts/documents.py write`)."""

from __future__ import annotations

from collections.abc import Iterator

from bench.schema_targets.keywords import KEYWORDS, of_argument
from routing.targets.every import compile_targets
from routing.targets.target import Compiled


def table() -> Iterator[str]:
    """A row for each keyword, a column for each target."""
    names = [each.target.partition(" ")[0] for each in compile_targets({"type": "object"})]
    yield "| the schema says | " + " | ".join([*names[:-1], "Draft 7"]) + " |"
    yield "| --- |" + " --- |" * len(names)
    for name, schema in KEYWORDS.items():
        cells = (_cell(each) for each in compile_targets(of_argument(schema)))
        yield f"| {name} | " + " | ".join(cells) + " |"


def _cell(compiled: Compiled) -> str:
    if compiled.refused:
        return "refused"
    said = ["**no**"] if compiled.wider else []
    return " ".join([*said, *(["*less*"] if compiled.narrower else [])]) or "·"
