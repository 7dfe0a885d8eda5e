"""Schedules over REST: made, read, paused, resumed, deleted, refused, and each tenant its own."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from gateway.access.principal import Principal
from gateway.api.errors import ApiError
from gateway.api.schedules.checks import require_key
from gateway.storage.schedules import ScheduleBounds
from routing.backends.scripted import Say
from tests.gateway.access.doors import bearer, doors
from tests.gateway.conftest import Gateway, Serve

WEEKDAYS = {"cron": "0 9 * * 1-5", "time_zone": "Europe/Paris"}
ASKED: dict[str, Any] = {"when": WEEKDAYS, "request": {"input": "Go."}, "name": "report"}


async def made(gateway: Gateway, **more: Any) -> dict[str, Any]:
    answer = await gateway.http.post("/v1/schedules", json={**ASKED, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def said(gateway: Gateway) -> list[tuple[str, str]]:
    """What stands in the audit log."""
    page = await gateway.services.audit.store.page(0)
    return [(each.text.partition('"action":"')[2].partition('"')[0], each.text) for each in page]


async def test_what_is_made_can_be_read_listed_and_deleted(serve: Serve) -> None:
    gateway = await serve([])
    one = await made(gateway)
    assert one["object"] == "schedule"
    assert (one["state"], one["fires"], one["when"], one["name"]) == (
        "active",
        0,
        WEEKDAYS,
        "report",
    )
    assert one["next_at"] > time.time()
    path = f"/v1/schedules/{one['id']}"
    assert (await gateway.http.get(path)).json() == one
    two = await made(gateway, when={"every_s": 3600})
    listed = (await gateway.http.get("/v1/schedules")).json()["data"]
    assert [each["id"] for each in listed] == [two["id"], one["id"]]
    assert (await gateway.http.delete(path)).json()["deleted"]
    assert (await gateway.http.get(path)).json()["error"]["code"] == "schedule_not_found"
    assert (await gateway.http.delete(path)).status_code == 404
    assert [action for action, _ in await said(gateway)] == [
        "create_schedule",
        "create_schedule",
        "delete_schedule",
    ]


async def test_a_paused_one_rests_and_a_resumed_one_goes_on_from_now(serve: Serve) -> None:
    gateway = await serve([])
    one = await made(gateway)
    path = f"/v1/schedules/{one['id']}"
    for _ in range(2):
        paused = (await gateway.http.post(f"{path}/pause")).json()
        assert (paused["state"], paused["next_at"]) == ("paused", None)
    for _ in range(2):
        resumed = (await gateway.http.post(f"{path}/resume")).json()
        assert (resumed["state"], resumed["next_at"]) == ("active", one["next_at"])
    assert [action for action, _ in await said(gateway)][1:] == [
        "pause_schedule",
        "resume_schedule",
    ]


async def test_what_is_due_runs_and_its_runs_are_told(serve: Serve) -> None:
    now = time.time()
    gateway = await serve([Say("Done.")], clock=lambda: now)
    one = await made(gateway, when={"every_s": 60})
    now += 61.0
    runs: list[Any] = []
    async with asyncio.timeout(20):
        while not runs or runs[0]["status"] not in {"completed", "failed"}:
            await asyncio.sleep(0.05)  # the application looks once a second
            runs = (await gateway.http.get(f"/v1/schedules/{one['id']}/runs")).json()["data"]
    [run] = runs
    assert (run["outcome"], run["number"], run["due_at"]) == ("started", 1, one["next_at"])
    response = (await gateway.http.get(f"/v1/responses/{run['response_id']}")).json()
    assert response["background"]
    assert response["gateway"]["run_id"] == run["run_id"]
    assert (await gateway.http.get(f"/v1/schedules/{one['id']}")).json()["fires"] == 1


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"when": {}}, "when"),
        ({"when": {"cron": "* * * * *", "every_s": 60}}, "when"),
        ({"when": {"cron": "61 * * * *"}}, "when.cron"),
        ({"when": {"cron": "* * * * *", "time_zone": "Mars/Olympus"}}, "when.time_zone"),
        ({"when": {"every_s": 60, "time_zone": "UTC"}}, "when.time_zone"),
        ({"when": {"every_s": 59.0}}, "when"),
        ({"when": {"every_s": "60"}}, "when.every_s"),
        ({"when": {"at": "2020-01-01T00:00:00Z"}}, "when"),
        ({"when": {"at": "soon"}}, "when.at"),
        ({"when": {"cron": "0 0 */30 2 2#5"}}, "when"),
        ({"missed": "some"}, "missed"),
        ({"missed": "none", "overlap": "queue"}, "missed"),
        ({"request": {}}, "request.input"),
        ({"request": {"input": "Go.", "stream": True}}, "request.stream"),
        ({"request": {"input": "Go.", "store": False}}, "request.store"),
        ({"request": {"input": "Go.", "model": "none"}}, "request.model"),
        ({"request": {"input": "Go.", "conversation": "conv_x"}}, "request.conversation"),
        ({"request": {"input": "Go.", "wishes": 1}}, "request.wishes"),
        ({"repeat": True}, "repeat"),
    ],
)
async def test_what_can_not_come_is_refused_where_it_stands(
    serve: Serve, more: dict[str, Any], param: str
) -> None:
    gateway = await serve([])
    answer = await gateway.http.post("/v1/schedules", json={**ASKED, **more})
    assert answer.status_code in {400, 404}, answer.text
    assert answer.json()["error"]["param"] == param
    assert (await gateway.http.get("/v1/schedules")).json()["data"] == []


async def test_the_operator_says_how_many_and_how_often(serve: Serve) -> None:
    gateway = await serve([], schedule_bounds=ScheduleBounds(1, 3600.0))
    answer = await gateway.http.post(
        "/v1/schedules", json={**ASKED, "when": {"cron": "0,5 9 * * *"}}
    )
    assert answer.json()["error"]["message"] == "runs have to be 3600 seconds apart, or more"
    await made(gateway)
    answer = await gateway.http.post("/v1/schedules", json=ASKED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_schedules")


async def test_each_tenant_has_its_own_and_a_stopped_one_needs_its_key(serve: Serve) -> None:
    here = doors()
    gateway = await serve([], keys=here.keys, access=here.access)
    mine, theirs = bearer(await here.key(tenant="a")), bearer(await here.key(tenant="b"))
    answer = await gateway.http.post("/v1/schedules", json=ASKED, headers=mine)
    one = answer.json()
    path = f"/v1/schedules/{one['id']}"
    assert one["made_by"] in mine["authorization"]
    for method, below in (("GET", ""), ("GET", "/runs"), ("POST", "/pause"), ("DELETE", "")):
        other = await gateway.http.request(method, path + below, headers=theirs)
        assert other.status_code == 404
    assert (await gateway.http.get("/v1/schedules", headers=theirs)).json()["data"] == []
    again = bearer(await here.key(tenant="a"))
    await gateway.http.post(f"{path}/pause", headers=again)
    await here.keys.revoke(one["made_by"], 1.0)
    refused = await gateway.http.post(f"{path}/resume", headers=again)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "schedule_state")
    assert "was revoked" in refused.text


async def test_what_is_edited_is_another_and_the_rest_stays(serve: Serve) -> None:
    now = time.time()
    gateway = await serve([], clock=lambda: now)
    one = await made(gateway)
    path = f"/v1/schedules/{one['id']}"
    renamed = (await gateway.http.patch(path, json={"name": "news"})).json()
    assert renamed == {**one, "name": "news"}
    hourly = (await gateway.http.patch(path, json={"when": {"every_s": 3600}})).json()
    assert (hourly["when"], hourly["name"]) == ({"every_s": 3600}, "news")
    assert hourly["next_at"] == pytest.approx(now + 3600)
    asked = (await gateway.http.patch(path, json={"request": {"input": "Stop."}})).json()
    assert (asked["request"], asked["next_at"]) == ({"input": "Stop."}, hourly["next_at"])
    assert (await gateway.http.get(path)).json() == asked
    assert [action for action, _ in await said(gateway)][1:] == ["edit_schedule"] * 3


async def test_a_paused_one_that_is_edited_stays_paused(serve: Serve) -> None:
    gateway = await serve([])
    path = f"/v1/schedules/{(await made(gateway))['id']}"
    await gateway.http.post(f"{path}/pause")
    edited = (await gateway.http.patch(path, json={"when": {"every_s": 3600}})).json()
    assert (edited["state"], edited["next_at"]) == ("paused", None)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"when": {"every_s": 59.0}}, "when"),
        ({"when": {"at": "2020-01-01T00:00:00Z"}}, "when"),
        ({"when": {"cron": "61 * * * *"}}, "when.cron"),
        ({"when": {}}, "when"),
        ({"missed": "none"}, "missed"),
        ({"request": {"input": "Go.", "model": "none"}}, "request.model"),
        ({"request": {"input": "Go.", "stream": True}}, "request.stream"),
        ({"state": "paused"}, "state"),
    ],
)
async def test_an_edit_is_checked_as_a_new_one_is_and_changes_nothing_then(
    serve: Serve, change: dict[str, Any], param: str
) -> None:
    gateway = await serve([])
    one = await made(gateway, overlap="queue")
    path = f"/v1/schedules/{one['id']}"
    answer = await gateway.http.patch(path, json=change)
    assert answer.status_code in {400, 404}, answer.text
    assert answer.json()["error"]["param"] == param
    assert (await gateway.http.get(path)).json() == one


async def test_whoever_edits_one_makes_it_theirs_and_lets_a_stopped_one_go_on(
    serve: Serve,
) -> None:
    here = doors()
    gateway = await serve([], keys=here.keys, access=here.access)
    mine, again = bearer(await here.key(tenant="a")), bearer(await here.key(tenant="a"))
    one = (await gateway.http.post("/v1/schedules", json=ASKED, headers=mine)).json()
    path = f"/v1/schedules/{one['id']}"
    other = bearer(await here.key(tenant="b"))
    assert (await gateway.http.patch(path, json={}, headers=other)).status_code == 404
    kept = await gateway.services.schedules.get("a", one["id"])
    assert kept is not None
    await gateway.services.schedules.move(kept, "stopped", "its key was revoked", None)
    edited = (await gateway.http.patch(path, json={"name": "ours"}, headers=again)).json()
    assert edited["made_by"] in again["authorization"]
    assert (edited["state"], edited["reason"]) == ("active", None)
    assert edited["next_at"] == one["next_at"]


def test_a_token_can_not_make_one_because_nobody_could_ask_it_later() -> None:
    with pytest.raises(ApiError, match="make it with an API key"):
        require_key(Principal("jwt-0123", "app"))
