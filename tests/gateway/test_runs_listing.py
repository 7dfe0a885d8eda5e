"""`GET /v1/runs` with its filters, and `GET /v1/stats`."""

from __future__ import annotations

from typing import Any

from gateway.storage.memory import MemoryRunStore
from tests.console.seed import CONVERT, FIND, NOTE, REFUND, Story
from tools.spec import Failure, InvalidCall, Problem

REFUSED = InvalidCall("bad000001", "find_orders", "{}", Problem.SCHEMA, "'customer' is required")


async def listed(gateway: Any, **params: Any) -> dict[str, Any]:
    response = await gateway.http.get("/v1/runs", params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def questions(gateway: Any, **params: Any) -> list[str]:
    return [run["question"] for run in (await listed(gateway, **params))["data"]]


async def stocked(serve: Any) -> Any:
    store = MemoryRunStore()
    gateway = await serve(store=store)
    Story(store, "convert", 500).turn(calls=1, took=1.0).call(CONVERT, took=0.5).turn("4").end("4")
    Story(store, "refuse", 400).turn(calls=1).refused(REFUSED).turn("No.").end("No.")
    lent = Story(store, "escalate", 300).turn(calls=1).call(FIND, took=0.2)
    lent = lent.lent("destructive", "it destroys").turn(calls=1, expert=True)
    lent.call(REFUND, took=0.1).turn("Paid.").end("Paid.")
    slow = (
        Story(store, "fail", 200)
        .turn(calls=1)
        .call(FIND, "late", took=4.0, failure=Failure.TIMEOUT)
    )
    slow.failed("BackendUnavailable: gone")
    Story(store, "note", 100).turn(calls=1).call(NOTE, repairs=("$.text: 5 → '5'",)).going()
    return gateway


async def test_a_listed_run_tells_what_it_came_to(serve: Any) -> None:
    gateway = await stocked(serve)
    [run] = (await listed(gateway, q="PAID"))["data"]
    assert run["question"] == "escalate"
    assert (run["turns"], run["calls"], run["escalations"]) == (3, 2, 1)
    assert run["tools"] == ["find_orders", "refund_order"]
    assert run["cost_usd"] > 0.002
    assert run["elapsed_s"] > 1
    assert "trace" not in run
    [whole] = (await listed(gateway, q="PAID", include="trace"))["data"]
    assert whole["trace"]["answer"] == "Paid."
    assert [len(step["calls"]) for step in whole["trace"]["steps"]] == [1, 1, 0]


async def test_runs_are_filtered_by_what_happened_in_them(serve: Any) -> None:
    gateway = await stocked(serve)
    assert await questions(gateway) == ["note", "fail", "escalate", "refuse", "convert"]
    assert await questions(gateway, status="failed") == ["fail"]
    assert await questions(gateway, status=["failed", "running"]) == ["note", "fail"]
    assert await questions(gateway, tool="find_orders") == ["fail", "escalate", "refuse"]
    assert await questions(gateway, failed_tool=True) == ["fail", "refuse"]
    assert await questions(gateway, escalated=True) == ["escalate"]
    assert await questions(gateway, q="conv") == ["convert"]
    first = (await listed(gateway))["data"][-1]["created_at"]
    assert await questions(gateway, until=first + 1) == ["convert"]
    assert await questions(gateway, since=first + 250) == ["note", "fail"]


async def test_pages_follow_each_other_without_gap_or_overlap(serve: Any) -> None:
    gateway = await stocked(serve)
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await listed(gateway, limit=2, tool="find_orders", **after)
        seen += [run["question"] for run in page["data"]]
        if not page["has_more"]:
            break
        after = {"after": page["last_id"]}
    assert seen == ["fail", "escalate", "refuse"]
    response = await gateway.http.get("/v1/runs", params={"after": "run_gone"})
    assert response.json()["error"]["code"] == "run_not_found"


async def test_an_unknown_status_is_refused(serve: Any) -> None:
    response = await (await serve()).http.get("/v1/runs", params={"status": "odd"})
    assert response.status_code == 400
    assert response.json()["error"]["param"].startswith("status")


async def test_statistics_tell_tools_escalations_cost_and_the_slowest(serve: Any) -> None:
    gateway = await stocked(serve)
    told = (await gateway.http.get("/v1/stats", params={"buckets": 4})).json()
    assert told["complete"] is True
    assert told["runs"]["total"] == 5
    assert told["runs"]["by_status"] == {"completed": 3, "failed": 1, "running": 1}
    tools = {tool["name"]: tool for tool in told["tools"]}
    find = tools["find_orders"]
    assert (find["calls"], find["failed"], find["refused"], find["escalated"]) == (2, 1, 1, 1)
    assert find["error_rate"] == 0.5
    assert find["failures"] == {"timeout": 1}
    assert find["latency_s"] == {"p50": 0.2, "p95": 4.0, "max": 4.0}
    assert tools["save_note"]["repaired"] == 1
    assert tools["refund_order"]["effect"] == "destroy"
    assert told["escalations"]["by_reason"] == [
        {"reason": "destructive", "count": 1, "cost_usd": 0.0025}
    ]
    assert told["slowest"][0]["question"] == "fail"
    assert sum(bucket["runs"] for bucket in told["buckets"]) == 5
    assert told["buckets"][-1]["escalations"] == {"destructive": 1}
    assert told["cost_usd"]["by_role"]["expert"] > 0
    assert abs(told["cost_usd"]["total"] - sum(told["cost_usd"]["by_role"].values())) < 1e-12


async def test_statistics_of_no_time_are_refused(serve: Any) -> None:
    gateway = await serve()
    response = await gateway.http.get("/v1/stats", params={"since": 5, "until": 5})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "since")


async def test_statistics_of_nothing_are_empty(serve: Any) -> None:
    told = (await (await serve()).http.get("/v1/stats")).json()
    assert (told["runs"]["total"], told["tools"], told["slowest"]) == (0, [], [])
    assert told["runs"]["elapsed_s"] is None
