"""Images and files by handle: private to their run, bounded, gone with it, read by whoever shares the store."""

from __future__ import annotations

import pytest

from gateway.storage.files import LEAST, PIECE, FileBounds, FileStore, StoredFile
from gateway.storage.memory_files import MemoryFileStore
from gateway.storage.responses import StoredResponse
from gateway.storage.retention import Retention
from gateway.storage.runs import RunLog
from gateway.storage.sql.files import SqlFileStore
from gateway.storage.sql.runs import SqlRunStore
from gateway.storage.sql.upkeep import sweep
from tests.storage.stores import Kept, asked, sql_stores
from tools.files import FileContent

DAY = 86_400.0
SMALL = FileBounds(of_one=3 * LEAST, of_run=4 * LEAST, of_tenant=5 * LEAST)


def file(sign: bytes = b"x", size: int = LEAST) -> FileContent:
    return FileContent("image", "image/png", sign * size)


async def brought(store: FileStore, log: RunLog, what: FileContent) -> str:
    handle = await store.put(log.tenant, log.run_id, what)
    assert handle is not None
    return handle


async def data(store: FileStore, log: RunLog, handle: str) -> bytes:
    return b"".join([piece async for piece in store.pieces(log.tenant, log.run_id, handle)])


def bounded(kept: Kept, bounds: FileBounds) -> FileStore:
    """A store of files with other bounds, over the same database where there is one."""
    if kept.database is None:
        return MemoryFileStore(bounds)
    assert isinstance(kept.runs, SqlRunStore)
    return SqlFileStore(kept.database, kept.runs, bounds, kept.clock)


async def test_a_file_is_its_runs_alone_and_kept_once(kept: Kept) -> None:
    one, two = kept.runs.begin(asked("a")), kept.runs.begin(asked("a"))
    long = FileContent("file", "application/pdf", bytes(range(256)) * (PIECE // 100))
    handle = await brought(kept.files, one, long)
    assert await brought(kept.files, one, long) == handle
    found = await kept.files.get("a", one.run_id, handle)
    assert found == StoredFile("application/pdf", len(long.data))
    pieces = [piece async for piece in kept.files.pieces("a", one.run_id, handle)]
    assert len(pieces) == 3
    assert b"".join(pieces) == long.data
    for tenant, run_id, name in (("a", two.run_id, handle), ("b", one.run_id, handle)):
        assert await kept.files.get(tenant, run_id, name) is None
        assert [piece async for piece in kept.files.pieces(tenant, run_id, name)] == []
    assert await kept.files.get("a", one.run_id, "f_0") is None
    empty = await brought(kept.files, one, file(size=0))
    assert await kept.files.get("a", one.run_id, empty) == StoredFile("image/png", 0)
    assert await data(kept.files, one, empty) == b""


async def test_another_gateway_over_the_store_reads_it_and_so_does_one_after_a_restart(
    url: str,
) -> None:
    first, beside = sql_stores(url), sql_stores(url)
    log = first.runs.begin(asked())
    strange = FileContent("file", "x/\0y\ud800" + "z" * 500, b"bytes")
    handle = await brought(first.files, log, strange)
    assert await data(beside.files, log, handle) == b"bytes"
    log.finish("completed")
    await first.aclose()
    after = sql_stores(url)
    for kept in (beside, after):
        found = await kept.files.get("a", log.run_id, handle)
        assert found is not None
        assert (found.size, len(found.media_type)) == (5, 100)
        assert await data(kept.files, log, handle) == b"bytes"
        await kept.aclose()


async def test_what_is_too_much_for_a_run_is_not_kept_and_of_a_tenant_the_oldest_go(
    kept: Kept,
) -> None:
    store = bounded(kept, SMALL)
    one, two = kept.runs.begin(asked()), kept.runs.begin(asked())
    assert await store.put("a", one.run_id, file(size=3 * LEAST + 1)) is None
    large = await brought(store, one, file(b"l", 3 * LEAST))
    kept.clock.now += 1.0
    tiny = await brought(store, one, file(b"t", 1))
    assert await store.put("a", one.run_id, file(b"u", 1)) is None, "a tiny one counts, too"
    kept.clock.now += 1.0
    other = await brought(store, two, file(b"o", 2 * LEAST))
    assert await store.get("a", one.run_id, large) is None
    assert await store.get("a", one.run_id, tiny) is not None
    assert await store.get("a", two.run_id, other) is not None
    await store.aclose()


async def test_a_tenants_files_push_out_no_other_tenants(sql: Kept) -> None:
    store = bounded(sql, SMALL)
    theirs = sql.runs.begin(asked("b"))
    handle = await brought(store, theirs, file(b"b", 3 * LEAST))
    for sign in (b"1", b"2", b"3"):
        sql.clock.now += 1.0
        await brought(store, sql.runs.begin(asked("a")), file(sign, 3 * LEAST))
    assert await store.get("b", theirs.run_id, handle) is not None
    assert (await sql.tables())["run_files"] == 2
    await store.aclose()


async def test_they_go_with_the_response_that_their_run_made(kept: Kept) -> None:
    gone, left = kept.runs.begin(asked()), kept.runs.begin(asked())
    handles = [await brought(kept.files, log, file()) for log in (gone, left)]
    for name, log in (("r1", gone), ("r2", left)):
        made = StoredResponse("a", name, log.run_id, 1.0, {"status": "completed"})
        await kept.responses.create(made, [])
    assert await kept.responses.delete("a", "r1")
    assert await kept.files.get("a", gone.run_id, handles[0]) is None
    assert await kept.files.get("a", left.run_id, handles[1]) is not None
    assert await kept.files.put("a", gone.run_id, file()) is None, "a tool may still bring some"
    if kept.database is not None:
        tables = await kept.tables()
        assert (tables["run_files"], tables["run_file_pieces"]) == (1, 1)


async def test_a_run_that_was_deleted_at_another_gateway_keeps_nothing_more(url: str) -> None:
    here, there = sql_stores(url), sql_stores(url)
    log = here.runs.begin(asked())
    await brought(here.files, log, file())
    made = StoredResponse("a", "r1", log.run_id, 1.0, {"status": "in_progress"})
    await there.responses.create(made, [])
    assert await there.responses.delete("a", "r1")
    assert await here.files.put("a", log.run_id, file()) is None
    assert (await here.tables())["run_files"] == 0
    for kept in (here, there):
        await kept.aclose()


@pytest.mark.parametrize("why", ["age", "number"])
async def test_they_expire_with_their_run(sql: Kept, why: str) -> None:
    assert sql.database is not None
    log = sql.runs.begin(asked())
    await brought(sql.files, log, file())
    log.finish("completed")
    assert isinstance(sql.runs, SqlRunStore)
    await sql.runs.settled()
    newer = sql.runs.begin(asked())
    await sql.runs.settled()
    sql.clock.now = newer.created_at + (8 * DAY if why == "age" else 0.0)
    await sweep(sql.database, Retention(max_runs=1), sql.clock)
    tables = await sql.tables()
    assert (tables["runs"], tables["run_files"], tables["run_file_pieces"]) == (1, 0, 0)


async def test_a_run_of_another_gateway_or_of_nobody_keeps_nothing_here(sql: Kept) -> None:
    assert await sql.files.put("a", "run_nobody", file()) is None
    assert (await sql.tables())["run_files"] == 0


async def test_a_download_ends_early_when_the_file_goes(sql: Kept) -> None:
    log = sql.runs.begin(asked())
    handle = await brought(sql.files, log, file(size=2 * PIECE))
    made = StoredResponse("a", "r1", log.run_id, 1.0, {"status": "completed"})
    await sql.responses.create(made, [])
    read: list[bytes] = []
    async for piece in sql.files.pieces("a", log.run_id, handle):
        read.append(piece)
        await sql.responses.delete("a", "r1")
    assert len(read) == 1
