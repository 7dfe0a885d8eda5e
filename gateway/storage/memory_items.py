"""A page out of a sequence, and what items weigh: shared by the in-memory twins."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice

from gateway.storage.items import Item, ItemPage, Page, UnknownCursor


def paged(items: Sequence[Item], page: Page) -> ItemPage:
    """The page of `items`, which are in the order of time. Raises `UnknownCursor`."""
    ordered = items if page.order == "asc" else items[::-1]
    begin = 0
    if page.after is not None:
        # An id that is there twice: behind the later one, so that who pages always gets on.
        places = [place for place, item in enumerate(ordered) if item["id"] == page.after]
        if not places:
            raise UnknownCursor(page.after)
        begin = places[-1] + 1
    chosen = tuple(islice(ordered, begin, begin + page.limit))
    return ItemPage(chosen, begin + len(chosen) < len(ordered))


def weight(values: Iterable[object]) -> int:
    """The size of JSON values, as text, in characters."""
    return sum(len(json.dumps(value, separators=(",", ":"))) for value in values)
