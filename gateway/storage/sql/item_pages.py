"""Pages out of the tables of items: by position, so that a page costs its length wherever it lies."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, func, select

from gateway.storage.items import ItemPage, Page, UnknownCursor
from gateway.storage.sql.asynchronous import AsyncConnection
from gateway.storage.sql.text import decode, key


async def page_of(
    connection: AsyncConnection, table: Table, within: ColumnElement[bool], page: Page
) -> ItemPage:
    """The page of what `within` selects. Raises `UnknownCursor`."""
    position = table.c.position
    query = select(table.c.item).where(within)
    if page.after is not None:
        # An id that is there twice: behind the later one, so that who pages always gets on.
        last = func.max(position) if page.order == "asc" else func.min(position)
        found = select(last).where(within, table.c.item_id == key(page.after))
        after = (await connection.execute(found)).scalar()
        if after is None:
            raise UnknownCursor(page.after)
        query = query.where(position > after if page.order == "asc" else position < after)
    ordered = query.order_by(position.asc() if page.order == "asc" else position.desc())
    rows = (await connection.execute(ordered.limit(page.limit + 1))).scalars().all()
    return ItemPage(tuple(decode(row) for row in rows[: page.limit]), len(rows) > page.limit)
