"""Pages of items, in OpenAI's shape, for everything that lists items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from gateway.api.errors import ApiError
from gateway.api.responses.request import INCLUDABLE
from gateway.storage.items import ItemPage, Page

_AnyInclude = Annotated[list[str] | None, Query(alias="include")]
_BracketInclude = Annotated[list[str] | None, Query(alias="include[]")]


def _page(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
    after: str | None = None,
) -> Page:
    return Page(limit=limit, order=order, after=after)


def _include(named: _AnyInclude = None, bracketed: _BracketInclude = None) -> None:
    """`include` of a GET: nothing is left out that it could ask for, but its names are checked."""
    for name in (*(named or ()), *(bracketed or ())):
        if name not in INCLUDABLE:
            problem = f"{name[:64]!r} can't be included; there are {', '.join(INCLUDABLE)}"
            raise ApiError(400, problem, param="include", code="invalid_value")


AskedPage = Annotated[Page, Depends(_page)]
Included = Annotated[None, Depends(_include)]


def item_list(items: Sequence[Mapping[str, Any]], *, has_more: bool = False) -> dict[str, Any]:
    """A list of items; the ids of an empty one are empty."""
    return {
        "object": "list",
        "data": [dict(item) for item in items],
        "first_id": items[0]["id"] if items else "",
        "last_id": items[-1]["id"] if items else "",
        "has_more": has_more,
    }


def page_of(page: ItemPage) -> dict[str, Any]:
    """A page as it was read."""
    return item_list(page.items, has_more=page.has_more)


def unknown_cursor(after: str | None) -> ApiError:
    """`after` names nothing in the list."""
    problem = f"there is no item {str(after)[:64]!r} in this list"
    return ApiError(400, problem, param="after", code="invalid_value")
