"""Registered tools at rest, in every store: revisions that grow, one change at a time."""

from __future__ import annotations

import asyncio

import pytest

from tests.storage.stores import Kept


async def put(kept: Kept, name: str, since: int | None = None, **document: object) -> int:
    async with kept.tools.changing(0) as change:
        return (await change.keep(name, dict(document), since=since)).revision


async def broken_change(kept: Kept) -> None:
    async with kept.tools.changing(0) as change:
        await change.keep("one", {}, since=None)
        raise ZeroDivisionError


async def test_what_changed_is_told_in_the_order_of_registration(kept: Kept) -> None:
    assert await kept.tools.after(0) == []
    first = await put(kept, "zeta", word="\0 ü \ud800 é")
    second = await put(kept, "alpha", big=10**30)
    third = await put(kept, "zeta", since=first, word="new")
    assert first < second < third
    rows = await kept.tools.after(0)
    assert [(row.name, row.since, row.revision) for row in rows] == [
        ("zeta", first, third),
        ("alpha", second, second),
    ]
    assert rows[0].document == {"word": "new"}
    assert rows[1].document == {"big": 10**30}
    assert [row.name for row in await kept.tools.after(second)] == ["zeta"]
    assert await kept.tools.after(third) == []


async def test_whoever_changes_is_told_what_came_since_they_looked(kept: Kept) -> None:
    seen = await put(kept, "one")
    await put(kept, "two")
    async with kept.tools.changing(seen) as change:
        assert [row.name for row in change.missed] == ["two"]


async def test_a_change_that_fails_leaves_nothing(kept: Kept) -> None:
    with pytest.raises(ZeroDivisionError):
        await broken_change(kept)
    assert await kept.tools.after(0) == []


async def test_changes_that_come_together_are_made_one_after_another(kept: Kept) -> None:
    names = [f"tool_{number}" for number in range(8)]
    revisions = await asyncio.gather(*(put(kept, name) for name in names))
    assert sorted(revisions) == list(range(1, 9))
    assert {row.name for row in await kept.tools.after(0)} == set(names)
