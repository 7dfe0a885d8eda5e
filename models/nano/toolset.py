"""The gateway's own seven tools, as the model is shown them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_COPY = Path(__file__).with_name("builtin_tools.json")


def builtin() -> list[dict[str, Any]]:
    """name, description and parameters of each built-in tool, in the usual order.

    A copy lies beside the recipe, so that training needs no gateway; a test keeps the copy equal to
    what ``tools.builtin`` registers.
    """
    found: list[dict[str, Any]] = json.loads(_COPY.read_text(encoding="utf-8"))
    return found
