"""Conversations: what holds in memory, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from gateway.storage.conversations import Conversation
from gateway.storage.items import Page, UnknownCursor
from tests.storage.stores import Kept, item


async def begin(kept: Kept, name: str = "c", tenant: str = "a", items: int = 0) -> Conversation:
    made = Conversation(tenant, name, 1.5, {"topic": "x"})
    await kept.conversations.create(made, [item(f"i{n}") for n in range(items)])
    return made


async def history(kept: Kept, tenant: str = "a", name: str = "c") -> list[str]:
    async with aclosing(kept.conversations.history(tenant, name)) as items:
        return [each["id"] async for each in items]


async def test_a_conversation_comes_back_as_it_was_kept(kept: Kept) -> None:
    made = await begin(kept, items=2)
    assert await kept.conversations.get("a", "c") == made
    assert await kept.conversations.item("a", "c", "i1") == item("i1")
    assert await kept.conversations.item("a", "c", "i9") is None


async def test_its_metadata_are_replaced(kept: Kept) -> None:
    await begin(kept, items=1)
    changed = await kept.conversations.describe("a", "c", {"topic": "y" * 100, "by": "me"})
    assert changed is not None
    assert changed.metadata == {"topic": "y" * 100, "by": "me"}
    assert await kept.conversations.get("a", "c") == changed
    assert await kept.conversations.describe("a", "other", {}) is None


async def test_items_are_added_behind_the_last_one(kept: Kept) -> None:
    await begin(kept, items=2)
    assert await kept.conversations.append("a", "c", [item("x"), item("y")])
    assert await kept.conversations.append("a", "c", [])
    assert await kept.conversations.append("a", "c", [item("z")])
    assert await history(kept) == ["z", "y", "x", "i1", "i0"]
    assert not await kept.conversations.append("a", "other", [item("x")])


async def test_items_come_in_pages_in_both_orders(kept: Kept) -> None:
    await begin(kept, items=5)

    async def page(**asked: Any) -> tuple[list[str], bool]:
        found = await kept.conversations.items("a", "c", Page(**asked))
        return [each["id"] for each in found.items], found.has_more

    assert await page(limit=3) == (["i4", "i3", "i2"], True)
    assert await page(limit=3, after="i2") == (["i1", "i0"], False)
    assert await page(limit=2, order="asc") == (["i0", "i1"], True)
    assert await page(limit=3, order="asc", after="i1") == (["i2", "i3", "i4"], False)
    with pytest.raises(UnknownCursor):
        await page(after="gone")


async def test_paging_ends_even_where_an_id_is_there_twice(kept: Kept) -> None:
    await begin(kept)
    await kept.conversations.append("a", "c", [item(name) for name in ("x", "y", "x", "z")])
    for order in ("asc", "desc"):
        after, seen = None, 0
        while True:
            page = await kept.conversations.items("a", "c", Page(1, order, after))
            seen += len(page.items)
            if not page.has_more:
                break
            after = page.items[-1]["id"]
        assert seen <= 4


async def test_an_item_is_deleted_and_the_others_stay(kept: Kept) -> None:
    await begin(kept, items=3)
    assert await kept.conversations.remove("a", "c", "i1")
    assert not await kept.conversations.remove("a", "c", "i1")
    assert await history(kept) == ["i2", "i0"]
    await kept.conversations.append("a", "c", [item("i3")])
    assert await history(kept) == ["i3", "i2", "i0"]


async def test_a_deleted_conversation_is_gone(kept: Kept) -> None:
    await begin(kept, items=3)
    assert await kept.conversations.delete("a", "c")
    assert not await kept.conversations.delete("a", "c")
    assert await kept.conversations.get("a", "c") is None
    assert (await kept.conversations.items("a", "c", Page())).items == ()
    assert await history(kept) == []
    await begin(kept)
    assert await history(kept) == []


async def test_concurrent_appends_keep_their_items_together(kept: Kept) -> None:
    await begin(kept)
    each = [[item(f"{writer}-{n}") for n in range(5)] for writer in range(12)]
    await asyncio.gather(*(kept.conversations.append("a", "c", items) for items in each))
    found = (await history(kept))[::-1]
    assert len(found) == 60
    for begins in range(0, 60, 5):
        writer = found[begins].partition("-")[0]
        assert found[begins : begins + 5] == [f"{writer}-{n}" for n in range(5)]


async def test_a_reader_that_stops_early_leaves_nothing_open(kept: Kept) -> None:
    await begin(kept, items=200)
    for _ in range(30):  # more than there are connections
        async with aclosing(kept.conversations.history("a", "c")) as items:
            assert (await anext(items))["id"] == "i199"


async def test_no_tenant_reaches_anothers_conversation(kept: Kept) -> None:
    made = await begin(kept, items=2)
    conversations = kept.conversations
    assert await conversations.get("b", "c") is None
    assert await conversations.describe("b", "c", {}) is None
    assert not await conversations.append("b", "c", [item("stolen")])
    assert (await conversations.items("b", "c", Page())).items == ()
    assert await conversations.item("b", "c", "i0") is None
    assert not await conversations.remove("b", "c", "i0")
    assert await history(kept, "b") == []
    assert not await conversations.delete("b", "c")
    await begin(kept, tenant="b")
    assert await conversations.delete("b", "c")
    assert await conversations.get("a", "c") == made
    assert await history(kept) == ["i1", "i0"]
