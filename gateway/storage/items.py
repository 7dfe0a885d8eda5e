"""Items, as the Responses API has them, and pages of them: what the stores below hand about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Item = Mapping[str, Any]
"""One item in the wire form of the Responses API, always with its `id` and `type`."""


class UnknownCursor(LookupError):
    """`after` names an item that is not in what is listed."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a listing is asked for: at most `limit` items behind the item `after`."""

    limit: int = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A part of a listing, in the order asked for, and whether more follows."""

    items: tuple[Item, ...]
    has_more: bool
