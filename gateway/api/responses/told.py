"""What clients of the Responses API are told of an error: the surface's table, with this API's places."""

from __future__ import annotations

from dataclasses import replace

from gateway.api.errors import Answer, answer
from routing.errors import ContextTooLong


def told(error: Exception) -> Answer:
    """The answer to an error, its `param` as a Responses request spells it."""
    found = answer(error)
    return replace(found, param="input") if isinstance(error, ContextTooLong) else found
