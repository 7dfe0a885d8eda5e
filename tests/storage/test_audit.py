"""The audit log: only added to, and whoever changes it is found out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from gateway.access.audit import AuditLog, verify
from gateway.storage.audit import Chained, Entry, chained
from gateway.storage.errors import StorageUnavailable
from gateway.storage.memory_audit import MemoryAuditStore
from tests.storage.stores import Kept, sql_stores


def entry(what: str = "pay") -> Entry:
    return Entry(1.0, "0" * 12, "a", "call", what, "deny", "big", "v1", "run_1")


async def test_entries_are_numbered_chained_and_whole(kept: Kept) -> None:
    await kept.audit.append([entry("a"), entry("b")])
    await kept.audit.append([entry("c")])
    page = await kept.audit.page(0)
    assert [one.number for one in page] == [1, 2, 3]
    assert '"what":"c"' in page[2].text
    assert [one.number for one in await kept.audit.page(1, 1)] == [2]
    told = await verify(kept.audit)
    assert (told.entries, told.last, told.problem) == (3, page[2].digest, None)


_ANY_TEXT = st.text(st.characters())  # lone surrogates and control characters, too
_TEXTS = {each.name: _ANY_TEXT for each in fields(Entry) if each.name != "at"}


@given(st.builds(Entry, at=st.floats(allow_nan=False, allow_infinity=False), **_TEXTS))
def test_an_entry_is_the_same_json_whatever_is_in_it(entry: Entry) -> None:
    [one] = chained(None, [entry])
    assert one.text == json.dumps(asdict(entry), sort_keys=True, separators=(",", ":"))


async def test_an_empty_log_is_whole(kept: Kept) -> None:
    assert (await verify(kept.audit)).problem is None


async def test_what_waits_is_written_when_the_log_is_closed(kept: Kept) -> None:
    log = AuditLog(kept.audit)
    for number in range(20):
        log.record(entry(str(number)))
    await log._flush()
    assert (await verify(kept.audit)).entries == 20


class Slow:
    """A store that lets go one transaction at a time, and fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.kept = MemoryAuditStore()
        self.failures = failures
        self.begun = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def append(self, entries: Sequence[Entry]) -> None:
        self.begun.set()
        await self.goes_on.wait()
        if self.failures:
            self.failures -= 1
            raise StorageUnavailable("away")
        await self.kept.append(entries)

    async def page(self, after: int, limit: int = 500) -> Sequence[Chained]:
        return await self.kept.page(after, limit)

    async def aclose(self) -> None: ...


async def test_what_is_decided_while_others_are_written_is_written_too() -> None:
    store = Slow()
    log = AuditLog(store)
    log.record(entry("1"))
    await store.begun.wait()
    log.record(entry("2"))
    store.goes_on.set()
    async with asyncio.timeout(10):
        while (await verify(store)).entries < 2:  # noqa: ASYNC110 - a store has no event
            await asyncio.sleep(0.01)


async def test_what_could_not_be_written_is_tried_again_at_the_end() -> None:
    store = Slow(failures=1)
    store.goes_on.set()
    log = AuditLog(store)
    log.record(entry("1"))
    await store.begun.wait()
    await asyncio.sleep(0)
    await log.aclose()
    assert (await verify(store)).entries == 1


async def test_several_writers_make_one_chain(url: str) -> None:
    stores = [sql_stores(url) for _ in range(3)]
    await asyncio.gather(*(one.audit.append([entry()]) for one in stores for _ in range(5)))
    told = await verify(stores[0].audit)
    assert (told.entries, told.problem) == (15, None)
    for one in stores:
        await one.aclose()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            "UPDATE audit SET entry = replace(entry, 'deny', 'allow') WHERE number = 2",
            "2 was changed",
        ),
        ("UPDATE audit SET digest = 'x' WHERE number = 3", "3 was changed"),
        ("DELETE FROM audit WHERE number = 2", "2 is missing"),
        ("DELETE FROM audit WHERE number = 1", "1 is missing"),
        ("DELETE FROM audit WHERE number = 4", "it ends at 3, and 4 was noted"),
    ],
)
async def test_a_log_that_was_changed_is_found(sql: Kept, change: str, problem: str) -> None:
    await sql.audit.append([entry(str(number)) for number in range(4)])
    noted = 4, (await verify(sql.audit)).last
    assert (await verify(sql.audit, noted)).problem is None
    assert sql.database is not None
    async with sql.database.write() as connection:
        await connection.execute(text(change))
    told = await verify(sql.audit, noted)
    assert told.problem is not None
    assert problem in told.problem


async def test_a_log_that_was_written_anew_does_not_hold_what_was_noted(sql: Kept) -> None:
    await sql.audit.append([entry("real")])
    noted = 1, (await verify(sql.audit)).last
    assert sql.database is not None
    async with sql.database.write() as connection:
        await connection.execute(text("DELETE FROM audit"))
    await sql.audit.append([entry("forged")])
    assert (await verify(sql.audit)).problem is None
    assert "not the one that was noted" in str((await verify(sql.audit, noted)).problem)
