"""The items of a chain of responses, newest first, in pages: linear in what its reader reads.

The chain is walked by a recursive query, some responses at a time; their items are then read in
portions of bounded size, however many or few a response has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

from sqlalchemy import Integer, literal, select

from gateway.storage.items import Item
from gateway.storage.responses import BrokenChain
from gateway.storage.sql.database import Database
from gateway.storage.sql.schema import response_items, responses
from gateway.storage.sql.text import decode, key

_FIRST_HOPS, _HOPS = 8, 128
_PORTION = 500

_C = responses.c
_I = response_items.c
_Link = tuple[str, str | None, int]
"""A response's key, the key of the one before it, and the number of its items."""


async def chain_history(database: Database, tenant: str, response_id: str) -> AsyncGenerator[Item]:
    """Output, then input, each newest first, then those of the response before. Raises `BrokenChain`."""
    wanted: str | None = key(response_id)
    hops = _FIRST_HOPS
    while wanted is not None:
        links = await _walk(database, key(tenant), wanted, hops)
        if not links:
            raise BrokenChain(wanted)
        for portion in _portions(links):
            async for item in _items(database, key(tenant), portion):
                yield item
        wanted, hops = links[-1][1], _HOPS


async def _walk(database: Database, tenant: str, newest: str, hops: int) -> list[_Link]:
    hop = literal(1, Integer).label("hop")
    begin = select(_C.id, _C.previous_id, _C.item_count, hop).where(
        _C.tenant == tenant, _C.id == newest
    )
    walk = begin.cte("walk", recursive=True)
    walk = walk.union_all(
        select(_C.id, _C.previous_id, _C.item_count, walk.c.hop + 1)
        .join(walk, _C.id == walk.c.previous_id)
        .where(_C.tenant == tenant, walk.c.hop < hops)
    )
    query = select(walk.c.id, walk.c.previous_id, walk.c.item_count).order_by(walk.c.hop)
    async with database.read() as connection:
        return [(row[0], row[1], row[2]) for row in await connection.execute(query)]


def _portions(links: Sequence[_Link]) -> Iterator[list[_Link]]:
    """Neighbours whose items together are not too many; a large one alone."""
    portion: list[_Link] = []
    count = 0
    for link in links:
        if portion and count + link[2] > _PORTION:
            yield portion
            portion, count = [], 0
        portion.append(link)
        count += link[2]
    yield portion


async def _items(database: Database, tenant: str, portion: list[_Link]) -> AsyncGenerator[Item]:
    if len(portion) == 1:
        async for item in _of_one(database, tenant, portion[0][0]):
            yield item
        return
    ids = [link[0] for link in portion]
    query = (
        select(_I.response_id, _I.item)
        .where(_I.tenant == tenant, _I.response_id.in_(ids))
        .order_by(_I.response_id, _I.position.desc())
    )
    found: defaultdict[str, list[Any]] = defaultdict(list)
    async with database.read() as connection:
        for response_id, item in await connection.execute(query):
            found[response_id].append(item)
    for response_id in ids:
        for item in found[response_id]:
            yield decode(item)


async def _of_one(database: Database, tenant: str, response_id: str) -> AsyncGenerator[Item]:
    query = (
        select(_I.position, _I.item)
        .where(_I.tenant == tenant, _I.response_id == response_id)
        .order_by(_I.position.desc())
        .limit(_PORTION)
    )
    chosen = query
    while True:
        async with database.read() as connection:
            rows = (await connection.execute(chosen)).all()
        for _, item in rows:
            yield decode(item)
        if len(rows) < _PORTION:
            return
        chosen = query.where(_I.position < rows[-1][0])
