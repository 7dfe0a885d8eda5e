"""Ten thousand items: what appending, a page and a history cost, in statements and rows, not in time."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from gateway.agent.events import RunFinished, RunStarted
from gateway.agent.run import Outcome
from gateway.storage.conversations import Conversation
from gateway.storage.items import Page
from gateway.storage.responses import StoredResponse
from gateway.storage.sql import text
from gateway.storage.sql.database import Database
from gateway.storage.sql.free_runs import next_runs
from gateway.storage.sql.runs import SqlRunStore
from tests.storage.stores import Kept, asked, item

ITEMS = 10_000
CHAIN, PART = 200, 25  # responses, and items in as well as out of each


@dataclass
class Cost:
    """Statements sent, rows written in them, and rows that came back."""

    statements: int = 0
    written: int = 0
    read: int = 0


@contextmanager
def counted(database: Database | None) -> Generator[Cost]:
    """What the body costs."""
    assert database is not None
    cost, engine = Cost(), database.engine.sync_engine

    def before(_connection: Any, _cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith("BEGIN"):
            return
        cost.statements += 1
        if statement.startswith("INSERT"):
            cost.written += len(parameters) if rest[-1] else 1

    def after(_connection: Any, cursor: Any, *_: Any) -> None:
        cost.read += len(getattr(cursor, "_rows", ()))  # both drivers' rows arrive at once

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield cost
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


async def test_a_conversation_of_ten_thousand_items_is_linear(sql: Kept) -> None:
    store = sql.conversations
    await store.create(Conversation("a", "c", 1.0, {}), [])
    costs: list[Cost] = []
    for begin in range(0, ITEMS, 100):
        with counted(sql.database) as cost:
            await store.append("a", "c", [item(f"i{n}") for n in range(begin, begin + 100)])
        costs.append(cost)
    # each append costs what it brings, however long the conversation is
    assert costs[-1] == costs[1]
    assert (costs[-1].statements, costs[-1].written) == (2, 100)

    for after in (None, "i9000", "i500"):
        with counted(sql.database) as cost:
            page = await store.items("a", "c", Page(limit=20, after=after))
        assert len(page.items) == 20
        assert cost.statements == (1 if after is None else 2)
        assert cost.read <= 22

    with counted(sql.database) as cost:
        async with aclosing(store.history("a", "c")) as items:
            newest = [(await anext(items))["id"] for _ in range(10)]
    assert newest == [f"i{n}" for n in range(9999, 9989, -1)]
    assert (cost.statements, cost.read) == (1, 50)

    with counted(sql.database) as cost:
        async with aclosing(store.history("a", "c")) as items:
            whole = [each["id"] async for each in items]
    assert whole == [f"i{n}" for n in reversed(range(ITEMS))]
    assert cost.read == ITEMS
    assert cost.statements <= ITEMS / 500 + 2

    with counted(sql.database) as cost:
        assert await store.delete("a", "c")
    assert cost.statements < 5
    assert sum((await sql.tables()).values()) == 1  # this process's own row


async def test_a_chain_of_ten_thousand_items_is_linear(sql: Kept) -> None:
    store, before = sql.responses, None
    costs: list[Cost] = []
    for n in range(CHAIN):
        made = StoredResponse("a", f"r{n}", f"run{n}", 1.0, {"status": "completed"}, before)
        with counted(sql.database) as cost:
            await store.create(made, [item(f"i{n}-{k}") for k in range(PART)])
            await store.update(made, [item(f"o{n}-{k}") for k in range(PART)])
        costs.append(cost)
        before = made.id
    # as many statements and rows at the end as after the first
    assert costs[-1] == costs[1]
    assert costs[-1].statements < 12

    newest = f"r{CHAIN - 1}"
    with counted(sql.database) as cost:
        async with aclosing(store.history("a", newest)) as items:
            assert (await anext(items))["id"] == f"o{CHAIN - 1}-{PART - 1}"
    assert cost.statements == 2
    assert cost.read <= 8 + 8 * 2 * PART

    with counted(sql.database) as cost:
        async with aclosing(store.history("a", newest)) as items:
            whole = [each["id"] async for each in items]
    assert len(whole) == ITEMS
    assert whole[-1] == "i0-0"
    assert cost.read <= ITEMS + CHAIN + 10
    assert cost.statements <= ITEMS / 250


def test_a_look_for_free_runs_that_asks_the_same_again_builds_nothing() -> None:
    first = next_runs("me", ("going",), 3, 4, decided=True)
    assert next_runs("me", ("going",), 3, 4, decided=True) is first
    assert next_runs("me", (), 3, 4, decided=True) is not first


async def test_a_run_is_written_without_the_slow_way_to_json(
    sql: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow: list[Any] = []

    def dumps(value: Any, **_: Any) -> str:
        slow.append(value)
        return "[]"

    monkeypatch.setattr(text, "json", SimpleNamespace(dumps=dumps, loads=json.loads))
    log = sql.runs.begin(asked())
    log.append(RunStarted(log.request, ("add",)))
    log.append(RunFinished(Outcome("answer", "Ünï", steps=1)))
    assert isinstance(sql.runs, SqlRunStore)
    await sql.runs.settled()
    found = await sql.runs.get("a", log.run_id)
    assert found is not None
    assert [event.name async for event in found.follow()] == ["run.started", "run.finished"]
    assert slow == []
