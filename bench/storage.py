"""What storing costs, in milliseconds: appends, pages and histories of long conversations and chains.

.venv/bin/python bench/storage.py [URL]      default: a SQLite file in a temporary folder
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import aclosing
from typing import Any

from gateway.storage.conversations import Conversation
from gateway.storage.items import Page
from gateway.storage.responses import StoredResponse
from gateway.storage.retention import Retention
from gateway.storage.sql.migrate import prepare
from gateway.storage.sql.stores import SqlStores, open_stores

ITEMS = 10_000
BATCH = 10
TEXT = "x" * 200


def items(begin: int, count: int) -> list[dict[str, Any]]:
    """Messages with a text of 200 characters."""
    return [{"id": f"i{n}", "type": "message", "text": TEXT} for n in range(begin, begin + count)]


async def conversation(stores: SqlStores) -> None:
    """One conversation, ten items at a time."""
    store = stores.conversations
    await store.create(Conversation("bench", "c", time.time(), {}), [])
    took: list[float] = []
    for begin in range(0, ITEMS, BATCH):
        started = time.perf_counter()
        await store.append("bench", "c", items(begin, BATCH))
        took.append((time.perf_counter() - started) * 1e3)
    told("append 10 items, to the first 1,000", middle(took[:100]))
    told("append 10 items, to the last 1,000", middle(took[-100:]))
    for place, after in (("newest", None), ("oldest", "i30")):
        started = time.perf_counter()
        await store.items("bench", "c", Page(20, after=after))
        told(f"a page of 20, the {place}", (time.perf_counter() - started) * 1e3)
    started = time.perf_counter()
    async with aclosing(store.history("bench", "c")) as history:
        count = len([each async for each in history])
    told(f"the whole history, {count} items", (time.perf_counter() - started) * 1e3)
    started = time.perf_counter()
    await store.delete("bench", "c")
    told("deleting it", (time.perf_counter() - started) * 1e3)


async def chain(stores: SqlStores) -> None:
    """Responses one behind the other, each with five items in and five out."""
    store, before = stores.responses, None
    took: list[float] = []
    for n in range(ITEMS // BATCH):
        made = StoredResponse(
            "bench", f"r{n}", f"run{n}", time.time(), {"status": "completed"}, before
        )
        started = time.perf_counter()
        await store.create(made, items(n * BATCH, 5))
        await store.update(made, items(n * BATCH + 5, 5))
        took.append((time.perf_counter() - started) * 1e3)
        before = made.id
    told("keep a response, of the first 100", middle(took[:100]))
    told("keep a response, of the last 100", middle(took[-100:]))
    started = time.perf_counter()
    async with aclosing(store.history("bench", before or "")) as history:
        await anext(history)
    told("the newest item of the chain", (time.perf_counter() - started) * 1e3)
    started = time.perf_counter()
    async with aclosing(store.history("bench", before or "")) as history:
        count = len([each async for each in history])
    told(f"the whole chain, {count} items", (time.perf_counter() - started) * 1e3)


def middle(values: list[float]) -> float:
    """The median."""
    return sorted(values)[len(values) // 2]


def told(what: str, milliseconds: float) -> None:
    """One line of the result."""
    print(f"{what:<40} {milliseconds:9.2f} ms")


async def main(url: str) -> None:
    """Both, on one database."""
    prepare(url)
    stores = open_stores(url, Retention())
    await conversation(stores)
    await chain(stores)
    for store in stores:
        await store.aclose()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(sys.argv[1] if sys.argv[1:] else f"sqlite:///{folder}/gateway.db"))
