"""Stored responses: what holds in memory, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

from contextlib import aclosing
from itertools import count
from typing import Any

import pytest

from gateway.storage.items import Page, UnknownCursor
from gateway.storage.responses import BrokenChain, StoredResponse
from tests.storage.stores import Kept, item

_runs = count()


def response(
    name: str, tenant: str = "a", status: str = "completed", **more: Any
) -> StoredResponse:
    document = {"id": name, "object": "response", "status": status}
    return StoredResponse(tenant, name, f"run_{name}_{next(_runs)}", 1.5, document, **more)


async def chain(kept: Kept, *names: str, tenant: str = "a") -> None:
    """Responses one behind the other, each with two items in and two out."""
    before = None
    for name in names:
        made = response(name, tenant, previous_id=before)
        await kept.responses.create(made, [item(f"{name}-in1"), item(f"{name}-in2")])
        await kept.responses.update(made, [item(f"{name}-out1"), item(f"{name}-out2")])
        before = name


async def history(kept: Kept, name: str, tenant: str = "a") -> list[str]:
    async with aclosing(kept.responses.history(tenant, name)) as items:
        return [each["id"] async for each in items]


async def test_a_response_comes_back_as_it_was_kept(kept: Kept) -> None:
    first = response("r1", status="in_progress")
    await kept.responses.create(first, [])
    assert await kept.responses.get("a", "r1") == first
    later = response("r2", previous_id="r1")
    await kept.responses.create(later, [])
    assert await kept.responses.get("a", "r2") == later
    inside = response("r3", conversation_id="c1")
    await kept.responses.create(inside, [])
    assert await kept.responses.get("a", "r3") == inside


async def test_an_update_replaces_the_document_the_output_and_the_events(kept: Kept) -> None:
    begun = response("r", status="in_progress")
    await kept.responses.create(begun, [item("in")])
    await kept.responses.update(begun, [item("draft")], [{"sequence_number": 0, "type": "a"}])
    ended = StoredResponse("a", "r", begun.run_id, 1.5, {"id": "r", "status": "completed", "n": 1})
    told = [{"sequence_number": n, "type": "b"} for n in range(4)]
    await kept.responses.update(ended, [item("out1"), item("out2")], told)
    assert await kept.responses.get("a", "r") == ended
    assert await history(kept, "r") == ["out2", "out1", "in"]
    assert [each["sequence_number"] for each in await kept.responses.events("a", "r", 1)] == [2, 3]
    assert len(await kept.responses.events("a", "r", -1)) == 4


async def test_an_update_of_what_was_deleted_changes_nothing(kept: Kept) -> None:
    begun = response("r", status="in_progress")
    await kept.responses.create(begun, [])
    assert await kept.responses.delete("a", "r")
    await kept.responses.update(begun, [item("out")])
    assert await kept.responses.get("a", "r") is None


async def test_a_chain_is_read_back_from_its_newest_item(kept: Kept) -> None:
    names = [f"r{n}" for n in range(20)]
    await chain(kept, *names)
    parts = ("out2", "out1", "in2", "in1")
    expected = [f"{name}-{part}" for name in reversed(names) for part in parts]
    assert await history(kept, "r19") == expected
    assert await history(kept, "r3") == expected[64:]


async def test_a_chain_may_fork(kept: Kept) -> None:
    await chain(kept, "r1", "r2")
    await kept.responses.create(response("fork", previous_id="r1"), [item("other")])
    assert await history(kept, "fork") == ["other", "r1-out2", "r1-out1", "r1-in2", "r1-in1"]
    assert (await history(kept, "r2"))[0] == "r2-out2"


async def test_reading_past_a_deleted_response_says_which_is_missing(kept: Kept) -> None:
    await chain(kept, "r1", "r2", "r3")
    assert await kept.responses.delete("a", "r2")
    async with aclosing(kept.responses.history("a", "r3")) as items:
        found = [(await anext(items))["id"] for _ in range(4)]
        assert found == ["r3-out2", "r3-out1", "r3-in2", "r3-in1"]
        with pytest.raises(BrokenChain, match="r2"):
            await anext(items)


async def test_a_response_with_very_many_items_is_read_whole(kept: Kept) -> None:
    await chain(kept, "before")
    big = response("big", previous_id="before")
    await kept.responses.create(big, [item(f"i{n}") for n in range(1200)])
    items = await history(kept, "big")
    assert items[:1200] == [f"i{n}" for n in reversed(range(1200))]
    assert len(items) == 1204


async def test_input_items_come_in_pages_in_both_orders(kept: Kept) -> None:
    made = response("r")
    await kept.responses.create(made, [item(f"i{n}") for n in range(5)])
    await kept.responses.update(made, [item("out")])

    async def page(**asked: Any) -> tuple[list[str], bool]:
        found = await kept.responses.input_items("a", "r", Page(**asked))
        return [each["id"] for each in found.items], found.has_more

    assert await page(limit=2) == (["i4", "i3"], True)
    assert await page(limit=2, after="i3") == (["i2", "i1"], True)
    assert await page(limit=2, after="i1") == (["i0"], False)
    assert await page(limit=5, order="asc") == (["i0", "i1", "i2", "i3", "i4"], False)
    assert await page(limit=2, order="asc", after="i4") == ([], False)
    with pytest.raises(UnknownCursor):
        await page(after="out")


async def test_no_tenant_reaches_anothers_response(kept: Kept) -> None:
    await chain(kept, "r1", "r2")
    mine = response("r1", "b")
    assert await kept.responses.get("b", "r2") is None
    assert not await kept.responses.delete("b", "r2")
    await kept.responses.update(response("r2", "b", status="failed"), [item("stolen")])
    assert (await kept.responses.input_items("b", "r2", Page())).items == ()
    assert await kept.responses.events("b", "r2", -1) == ()
    with pytest.raises(BrokenChain):
        await history(kept, "r2", "b")
    # the same id, and another tenant's before it
    await kept.responses.create(mine, [item("mine")])
    await kept.responses.create(response("r9", "b", previous_id="r2"), [item("nine")])
    assert await history(kept, "r1", "b") == ["mine"]
    with pytest.raises(BrokenChain):
        await history(kept, "r9", "b")
    assert (await history(kept, "r2"))[:2] == ["r2-out2", "r2-out1"]
    assert len(await history(kept, "r2")) == 8


async def test_what_is_not_finished_is_found(kept: Kept) -> None:
    for name, status in (("q", "queued"), ("p", "in_progress"), ("d", "completed")):
        await kept.responses.create(response(name, f"tenant-{name}", status), [])
    found = await kept.responses.unfinished()
    assert {(each.tenant, each.id) for each in found} == {("tenant-q", "q"), ("tenant-p", "p")}


@pytest.mark.parametrize("odd", ["nul\0", "half \ud800", "x" * 5000, "", "%", "a'b"])
async def test_odd_ids_and_texts_are_taken_or_not_found_but_never_fail(
    kept: Kept, odd: str
) -> None:
    assert await kept.responses.get("a", odd) is None
    assert not await kept.responses.delete("a", odd)
    made = response("r")
    await kept.responses.create(made, [item(odd, text=odd, number=2**80)])
    page = await kept.responses.input_items("a", "r", Page())
    assert page.items == (item(odd, text=odd, number=2**80),)
    assert (await kept.responses.input_items("a", "r", Page(after=odd))).items == ()
