"""A suspended run as JSON data and back: what is stored is plain, what the loop gets is typed."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from gateway.agent.run import Suspended


def dumped(suspended: Suspended) -> dict[str, Any]:
    """As a JSON object."""
    return _adapter().dump_python(suspended, mode="json")


def loaded(state: dict[str, Any]) -> Suspended:
    """The same again. Raises `pydantic.ValidationError` for what another version wrote."""
    return _adapter().validate_python(state)


@cache
def _adapter() -> TypeAdapter[Suspended]:
    return TypeAdapter(Suspended)
