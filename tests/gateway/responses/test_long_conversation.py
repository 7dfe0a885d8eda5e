"""A stored conversation of ten thousand items, over HTTP: counted in statements and rows, not in time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from gateway.api.responses.ids import free_id
from gateway.storage.sql.migrate import prepare
from gateway.storage.sql.runs import SqlRunStore
from gateway.transcript.response_items import read_items
from tests.storage.stores import sql_stores
from tests.storage.test_cost import Cost, counted

ITEMS, PART = 10_000, 20


async def test_it_costs_what_is_new_and_deleting_it_leaves_nothing(
    serve: Any, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    await asyncio.to_thread(prepare, url)
    kept = sql_stores(url)
    assert isinstance(kept.runs, SqlRunStore)
    stores = {"store": kept.runs, "responses": kept.responses, "conversations": kept.conversations}
    gateway = await serve(["Well."] * 2, **stores)
    before = await kept.tables()
    made = (await gateway.http.post("/v1/conversations", json={})).json()
    path = f"/v1/conversations/{made['id']}"

    def words(begin: int, count: int) -> list[dict[str, Any]]:
        said = (f"{n} " + "word " * 20 for n in range(begin, begin + count))
        return [{"role": "user", "content": each} for each in said]

    async def add(begin: int) -> Cost:
        with counted(kept.database) as cost:
            body = {"items": words(begin, PART)}
            added = await gateway.http.post(f"{path}/items", json=body)
        assert added.status_code == 200
        return cost

    await add(0)
    second = await add(PART)
    bulk = read_items(words(2 * PART, ITEMS - 3 * PART), free_id)
    await kept.conversations.append("default", made["id"], bulk)
    last = await add(ITEMS - PART)
    assert last == second  # whatever it holds already
    assert last.written == PART

    with counted(kept.database) as page:
        listed = await gateway.http.get(f"{path}/items", params={"limit": 100, "order": "asc"})
    assert len(listed.json()["data"]) == 100
    assert page.read <= 103

    # a window of the past is read, not all of it: 32,768 tokens of 35 an item
    body = {"input": "So?", "conversation": made["id"], "truncation": "auto"}
    answers: list[Cost] = []
    for _ in range(2):
        with counted(kept.database) as answer:
            assert (await gateway.http.post("/v1/responses", json=body)).status_code == 200
            await kept.runs.settled()
        answers.append(answer)
        assert answer.read < 32_768 / 30 + 500
        assert answer.statements < 40
    assert len(gateway.intermediary.turns[-1].messages) > 700
    assert abs(answers[0].read - answers[1].read) < 60

    with counted(kept.database) as gone:
        assert (await gateway.http.delete(path)).status_code == 200
    assert gone.statements < 30
    assert (await gateway.http.get(path)).status_code == 404
    after = await kept.tables()
    assert {**after, "processes": 0} == {**before, "processes": 0}
    assert sum(after.values()) <= 1
    await kept.aclose(but=tuple(stores.values()))  # the gateway closes those that it was given
