"""What `gateway serve` says when it is up. Plain text: drawing it with rich would cost 2 MB in each server."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence

_NAME_WIDTH = 14


def banner(facts: Sequence[tuple[str, str]], *, styled: bool, width: int) -> str:
    """A line for each fact, its name dim where it may be; long ones go on below themselves."""
    lines: list[str] = []
    for name, value in facts:
        folded = textwrap.wrap(value, max(20, width - _NAME_WIDTH - 2)) or [""]
        for at, part in enumerate(folded):
            label = f"{'' if at else name:{_NAME_WIDTH}}"
            lines.append(f"  \x1b[2m{label}\x1b[0m{part}" if styled else f"  {label}{part}")
    return "\n".join(lines)


def show(facts: Sequence[tuple[str, str]], *after: str) -> None:
    """The facts, and lines for copying, on standard error."""
    styled = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    told = banner(facts, styled=styled, width=shutil.get_terminal_size((100, 24)).columns)
    print("gateway", told, "", *after, "", sep="\n", file=sys.stderr, flush=True)
