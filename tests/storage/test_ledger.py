"""The ledger, wherever it is kept: what was begun and has no receipt stands in the way of the same call."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.storage.errors import StorageUnavailable
from gateway.storage.ledger import CUT, HOLDS_S, Begun, Busy, Intent, Place, Receipt, Standing
from gateway.storage.retention import Retention
from gateway.storage.sql.migrate import prepare
from gateway.storage.sql.upkeep import sweep
from gateway.storage.waiting import Waiting
from tests.storage.stores import Kept, sql_stores

DONE = Receipt("done", "tool", {"content": "ok"})


def intent(call: str = "1.a", run: str = "run_1", tenant: str = "a", **arguments: Any) -> Intent:
    return Intent(Place(tenant, run, call), "pay", arguments or {"to": "Ann"}, f"{run}:{call}")


async def test_an_intent_is_found_with_its_receipt(kept: Kept) -> None:
    wanted = intent(to="Ann", amount=10**30, note="\ud800\0")
    assert await kept.ledger.begin(wanted) == Begun("run_1:1.a")
    [entry] = await kept.ledger.of_run("a", "run_1")
    assert (entry.intent, entry.state, entry.result) == (wanted, "begun", None)
    closed = await kept.ledger.close(wanted.place, DONE)
    assert closed is not None
    assert (closed.state, closed.by, closed.result) == ("done", "tool", {"content": "ok"})
    assert await kept.ledger.get(wanted.place) == closed


async def test_the_same_call_is_answered_by_its_entry(kept: Kept) -> None:
    await kept.ledger.begin(intent())
    await kept.ledger.close(intent().place, DONE)
    again = await kept.ledger.begin(intent())
    assert isinstance(again, Standing)
    assert again.entry.result == {"content": "ok"}


@pytest.mark.parametrize("state", ["begun", "unknown"])
async def test_what_has_no_receipt_stands_in_the_way_of_the_same_meaning(
    kept: Kept, state: str
) -> None:
    await kept.ledger.begin(intent("1.a", to="Ann", amount=1))
    if state == "unknown":
        await kept.ledger.close(intent("1.a").place, Receipt("unknown", "tool"))
    again = await kept.ledger.begin(intent("2.b", amount=1, to="Ann"))
    assert isinstance(again, Standing)
    assert again.entry.state == state
    assert await kept.ledger.begin(intent("2.c", to="Ann", amount=2)) == Begun("run_1:2.c")
    assert await kept.ledger.begin(intent("2.b", "run_2", to="Ann", amount=1)) == Begun("run_2:2.b")
    other = intent("2.b", tenant="b", to="Ann", amount=1)
    assert await kept.ledger.begin(other) == Begun("run_1:2.b")


async def test_what_was_not_done_may_be_done_again_under_its_old_key(kept: Kept) -> None:
    await kept.ledger.begin(intent("1.a"))
    await kept.ledger.close(intent("1.a").place, Receipt("not_done", "person"))
    assert await kept.ledger.begin(intent("3.c")) == Begun("run_1:1.a")
    await kept.ledger.close(intent("3.c").place, Receipt("not_done", "person"))
    assert await kept.ledger.begin(intent("3.c")) == Begun("run_1:1.a")
    found = await kept.ledger.get(intent("3.c").place)
    assert found is not None
    assert (found.state, found.intent.key) == ("begun", "run_1:1.a")


async def test_a_receipt_is_written_once(kept: Kept) -> None:
    await kept.ledger.begin(intent())
    assert await kept.ledger.close(intent().place, Receipt("unknown", "tool")) is not None
    assert await kept.ledger.close(intent().place, Receipt("done", "person"), ("unknown",))
    assert await kept.ledger.close(intent().place, Receipt("not_done", "person")) is None
    assert await kept.ledger.close(intent("9.z").place, DONE) is None


async def test_what_is_unknown_is_listed_by_tenant(kept: Kept) -> None:
    for tenant in ("a", "b"):
        await kept.ledger.begin(intent(tenant=tenant))
        await kept.ledger.close(intent(tenant=tenant).place, Receipt("unknown", "tool", note="?"))
    assert [each.intent.place.tenant for each in await kept.ledger.unknown("b", 9)] == ["b"]
    assert len(await kept.ledger.unknown(None, 9)) == 2
    assert len(await kept.ledger.unknown(None, 1)) == 1


async def test_how_much_is_unknown_is_told_and_since_when(kept: Kept) -> None:
    assert await kept.ledger.waiting() == Waiting(0, None)
    began = kept.clock()
    for call in ("1.a", "1.b", "1.c"):
        await kept.ledger.begin(intent(call, of=call))
        kept.clock.now += 10
    await kept.ledger.close(intent("1.a").place, DONE)
    for call in ("1.b", "1.c"):
        await kept.ledger.close(intent(call).place, Receipt("unknown", "tool"))
    assert await kept.ledger.waiting() == Waiting(2, began + 10)


async def test_of_many_who_begin_the_same_one_begins(kept: Kept) -> None:
    ways = await asyncio.gather(*(kept.ledger.begin(intent(f"1.{at}")) for at in range(5)))
    assert sum(isinstance(way, Begun) for way in ways) == 1


async def test_old_receipts_go_and_what_is_unknown_stays(sql: Kept) -> None:
    assert sql.database is not None
    for call in ("1.a", "1.b"):
        await sql.ledger.begin(intent(call, of=call))
    await sql.ledger.close(intent("1.a").place, DONE)
    await sql.ledger.close(intent("1.b").place, Receipt("unknown", "tool"))
    await sweep(sql.database, Retention(max_run_age_s=10.0), lambda: sql.clock.now + 11.0)
    assert [each.intent.place.id for each in await sql.ledger.of_run("a", "run_1")] == ["1.b"]


@contextmanager
def unheard(kept: Kept) -> Generator[None]:
    """The database does what it is asked to, and its answer is lost."""
    assert kept.database is not None
    write = kept.database.write

    @asynccontextmanager
    async def mute(**more: bool) -> AsyncGenerator[AsyncConnection]:
        async with write(**more) as connection:
            yield connection
        raise StorageUnavailable("the connection is gone")

    with pytest.MonkeyPatch.context() as during:
        during.setattr(kept.database, "write", mute)
        yield


async def test_an_intent_that_stands_unheard_is_withdrawn_and_holds_nothing(
    url: str,
) -> None:
    here, there = sql_stores(url), sql_stores(url)
    with unheard(here), pytest.raises(StorageUnavailable):
        await here.ledger.begin(change("account 1"))
    assert await there.ledger.begin(change("account 1", "1.b", "run_2")) == Busy()
    await here.ledger.withdraw(Place("a", "run_1", "1.a"))
    [entry] = await here.ledger.of_run("a", "run_1")
    assert (entry.state, entry.by) == ("not_done", "tool")
    assert await there.ledger.begin(change("account 1", "1.b", "run_2")) == Begun("1.b")
    await here.aclose()
    await there.aclose()


async def test_a_late_receipt_does_not_close_what_another_gateway_has_begun_anew(url: str) -> None:
    here, there = sql_stores(url), sql_stores(url)
    await here.ledger.begin(intent())
    await there.ledger.close(intent().place, Receipt("not_done", "person"))
    await there.ledger.begin(intent())
    assert await here.ledger.close(intent().place, Receipt("failed", "tool")) is None
    assert await there.ledger.close(intent().place, DONE) is not None
    await here.aclose()
    await there.aclose()


async def test_what_was_begun_before_an_unheard_intent_is_not_withdrawn(
    url: str,
) -> None:
    here, there = sql_stores(url), sql_stores(url)
    for kept, call in ((here, "1.a"), (there, "1.b")):
        await kept.ledger.begin(intent(call, to=call))
        here.clock.now += 1.0
        with unheard(here), pytest.raises(StorageUnavailable):
            await here.ledger.begin(intent(call, to=call))
        await here.ledger.withdraw(intent(call).place)
    states = [entry.state for entry in await there.ledger.of_run("a", "run_1")]
    assert states == ["begun", "begun"]
    await here.aclose()
    await there.aclose()


def change(resource: str, call: str = "1.a", run: str = "run_1", tenant: str = "a") -> Intent:
    return Intent(Place(tenant, run, call), "pay", {"of": call}, call, resource)


async def test_a_resource_is_one_gateways_until_its_receipt(url: str) -> None:
    here, there = sql_stores(url), sql_stores(url)
    assert isinstance(await here.ledger.begin(change("account 1")), Begun)
    assert await there.ledger.begin(change("account 1", run="run_2")) == Busy()
    for free in (change("account 2", run="run_2"), change("account 1", tenant="b")):
        assert isinstance(await there.ledger.begin(free), Begun)
    assert isinstance(await here.ledger.begin(change("account 1", "2.b")), Begun)
    for call in ("1.a", "2.b"):
        await here.ledger.close(Place("a", "run_1", call), DONE)
    assert isinstance(await there.ledger.begin(change("account 1", run="run_2", call="x")), Begun)
    await here.aclose()
    await there.aclose()


async def test_of_gateways_that_ask_for_a_resource_together_one_gets_it(url: str) -> None:
    gateways = [sql_stores(url) for _ in range(4)]
    ways = await asyncio.gather(
        *(
            each.ledger.begin(change("account 1", run=f"run_{at}"))
            for at, each in enumerate(gateways)
        )
    )
    assert sorted(type(way).__name__ for way in ways) == ["Begun", "Busy", "Busy", "Busy"]
    for each in gateways:
        await each.aclose()


async def test_a_missing_receipt_does_not_keep_a_resource_for_good(url: str) -> None:
    here, there = sql_stores(url), sql_stores(url)
    await here.ledger.begin(change("account 1"))
    there.clock.now = here.clock.now + HOLDS_S - 1
    assert await there.ledger.begin(change("account 1", run="run_2")) == Busy()
    there.clock.now += 2
    assert isinstance(await there.ledger.begin(change("account 1", run="run_2")), Begun)
    await here.aclose()
    await there.aclose()


BEGIN_AND_HANG = """
import asyncio, sys
from gateway.storage.ledger import Intent, Place
from gateway.storage.retention import Retention
from gateway.storage.sql.stores import open_stores

async def main():
    ledger = open_stores(sys.argv[1], Retention()).ledger
    await ledger.begin(Intent(Place("a", "run_1", "1.a"), "pay", {"to": "Ann"}, "k"))
    print("begun", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_an_intent_of_a_killed_gateway_is_unknown_to_the_next(url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BEGIN_AND_HANG, url, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    kept = sql_stores(url)
    assert await kept.ledger.unknown(None, 9) == []  # its process lives
    process.kill()
    await process.wait()
    await asyncio.to_thread(prepare, url)  # what a gateway does when it starts
    [entry] = await kept.ledger.unknown(None, 9)
    assert (entry.state, entry.note, entry.intent.arguments) == ("unknown", CUT, {"to": "Ann"})
    await kept.aclose()
