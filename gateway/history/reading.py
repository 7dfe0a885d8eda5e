"""Reading runs from a store: a page of a listing, and the statistics of a time.

The REST surface and the command line read through these, so that both tell the same. Documents out, as
REST sends them. The store may raise `StorageUnavailable`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from gateway.history.digest import Filter, digest
from gateway.history.statistics import Statistics
from gateway.storage.records import RunQuery, RunRecord
from gateway.storage.runs import RunStore

_AT_ONCE = 200
_MOST_LOOKED_AT = 20_000
"""Runs that one request looks at, at most: what a filter passes over counts too."""


async def page(
    store: RunStore,
    tenant: str,
    query: RunQuery,
    wanted: Filter,
    *,
    limit: int,
    traces: bool = False,
) -> dict[str, Any]:
    """The newest runs that are wanted, at most `limit`.

    With `has_more` there may be others: they follow the run `last_id`, which is the last one that was
    looked at and need not be one of the page. `traces` gives each its `trace`.
    """
    found: list[dict[str, Any]] = []
    last: str | None = None
    more = False
    looked_at = 0
    async with aclosing(_newest(store, tenant, query)) as records:
        async for record in records:
            if len(found) == limit or looked_at == _MOST_LOOKED_AT:
                more = True
                break
            looked_at += 1
            last = record.run_id
            if wanted.wants(record):
                found.append({**digest(record), **({"trace": record.trace} if traces else {})})
    return {"object": "list", "data": found, "has_more": more, "last_id": last}


async def statistics(
    store: RunStore, tenant: str, *, since: float, until: float, buckets: int
) -> dict[str, Any]:
    """What the runs between two times came to (`gateway.history.statistics`).

    `complete` is false when there were more runs than are looked at: the oldest are missing then.
    """
    told = Statistics(since, until, buckets)
    complete = True
    async with aclosing(_newest(store, tenant, RunQuery(since, until))) as records:
        async for record in records:
            if told.runs == _MOST_LOOKED_AT:
                complete = False
                break
            told.add(record)
            if told.runs % _AT_ONCE == 0:
                await asyncio.sleep(0)  # others' requests in between
    return {"object": "statistics", "complete": complete, **told.document()}


async def _newest(store: RunStore, tenant: str, query: RunQuery) -> AsyncGenerator[RunRecord]:
    """All that `query` covers, read in portions."""
    while True:
        portion = await store.records(tenant, query, _AT_ONCE)
        for record in portion:
            yield record
        if len(portion) < _AT_ONCE:
            return
        last = portion[-1]
        query = replace(query, before=(last.created_at, last.run_id))
