"""Ids of responses and of their items. An item's id tells which response it belongs to.

`run_`, `resp_` and every item of a response share 24 hexadecimal digits, which can't be guessed. So an
`item_reference` is found without an index of all items, and a response's trace by its id.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

_OF_RESPONSE = re.compile(r"[a-z]+_([0-9a-f]{24})(i?)[0-9a-f]{4,}")


def response_id(run_id: str) -> str:
    """The id of the response that this run makes."""
    return "resp_" + run_id.removeprefix("run_")


def output_id(prefix: str, run_id: str, index: int) -> str:
    """The id of the output item at `index`."""
    return f"{prefix}_{run_id.removeprefix('run_')}{index:04x}"


def input_ids(run_id: str) -> Callable[[str], str]:
    """Makes the ids of a response's own input items, in order."""
    made = 0

    def new_id(prefix: str) -> str:
        nonlocal made
        made += 1
        return f"{prefix}_{run_id.removeprefix('run_')}i{made - 1:04x}"

    return new_id


def free_id(prefix: str) -> str:
    """An id that belongs to no response."""
    return f"{prefix}_{secrets.token_hex(16)}"


def owner(item_id: str) -> tuple[str, bool] | None:
    """The response that an item belongs to, and whether it is of its input; None for others."""
    found = _OF_RESPONSE.fullmatch(item_id)
    return (f"resp_{found[1]}", bool(found[2])) if found else None
