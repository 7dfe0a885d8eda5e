"""Measured tables put into docs/tiers.md, between their marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tiers.md"


def put(mark: str, lines: Sequence[str]) -> None:
    """In place of what stands between `<!-- mark -->` and `<!-- /mark -->`."""
    place = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    page, times = place.subn(
        lambda found: found[1] + "\n".join(lines) + "\n" + found[2],
        PAGE.read_text(encoding="utf-8"),
    )
    if not times:
        raise SystemExit(f"{PAGE} has no place for {mark}")
    PAGE.write_text(page, encoding="utf-8")
