"""Versions of tools over REST: put, listed, rolled back, tried by some runs, told in the runs' records."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gateway.storage.memory_tools import MemoryToolStore
from routing.backends.scripted import Call

TOOL: dict[str, Any] = {
    "name": "look",
    "description": "Look something up.",
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    "annotations": {"read_only": True},
    "executor": {"kind": "http", "method": "GET", "url": "https://tools.invalid/1"},
}
LOOK = "/v1/tools/look"


class Lasting(MemoryToolStore):
    """Outlives its gateways, as a database does."""

    async def aclose(self) -> None: ...


def version(number: int) -> dict[str, Any]:
    tool = copy.deepcopy(TOOL)
    tool["executor"]["url"] = f"https://tools.invalid/{number}"
    return tool


async def with_versions(gateway: Any, newest: int = 3) -> None:
    for number in range(1, newest + 1):
        put = await gateway.http.put(LOOK, json=version(number))
        assert (put.status_code, put.json()["version"]) == (200, number)


async def listed(gateway: Any) -> list[dict[str, Any]]:
    return (await gateway.http.get(f"{LOOK}/versions")).json()["data"]


async def change(gateway: Any, number: Any, **what: Any) -> Any:
    return await gateway.http.post(f"{LOOK}/versions/{number}", json=what)


async def test_a_version_is_taken_into_use_named_deprecated_and_rolled_back(serve: Any) -> None:
    gateway = await serve([])
    await with_versions(gateway)
    named = await change(gateway, 2, alias="stable", deprecated="use 3")
    assert (named.json()["aliases"], named.json()["deprecated"]) == (["stable"], "use 3")
    back = await change(gateway, 1, current=True)
    assert back.json()["current"] is True
    versions = await listed(gateway)
    assert [(each["version"], each["current"]) for each in versions] == [
        (1, True),
        (2, False),
        (3, False),
    ]
    assert len({each["hash"] for each in versions}) == 3
    assert (await gateway.http.get(LOOK)).json()["version"] == 1
    stable = (await gateway.http.get(f"{LOOK}@stable")).json()
    assert (stable["version"], stable["hash"]) == (2, versions[1]["hash"])
    assert (await gateway.http.put(LOOK, json=version(3))).json()["version"] == 3
    assert len(await listed(gateway)) == 3  # it was there


async def test_versions_are_there_after_a_restart_and_a_replica_answers_for_all(serve: Any) -> None:
    store = Lasting()
    gateway, other = await serve([], tool_store=store), await serve([], tool_store=store)
    await with_versions(gateway)
    await change(gateway, 2, alias="stable", deprecated="use 3", share=0.5)
    await change(gateway, 1, current=True)
    assert await listed(other) == await listed(gateway)
    assert (await other.http.get(f"{LOOK}@stable")).json()["version"] == 2
    ran = await other.http.post("/v1/tools/look@stable/invoke", json={"arguments": {}})
    assert (ran.status_code, ran.json()["version"]) == (200, 2)
    assert ran.json()["deprecated"] == "use 3"
    newest = await other.http.post("/v1/tools/look@3/invoke", json={"arguments": {}})
    assert "deprecated" not in newest.json()
    restarted = await serve([], tool_store=store)
    assert await listed(restarted) == await listed(gateway)
    assert (await restarted.http.delete(LOOK)).status_code == 200
    assert (await gateway.http.get(LOOK)).status_code == 404
    assert (await gateway.http.delete(LOOK)).status_code == 404


async def test_a_run_calls_the_version_that_it_asks_for_and_tells_it(serve: Any) -> None:
    gateway = await serve([Call("look", {}), "Done."] * 3)
    await with_versions(gateway, 2)
    await change(gateway, 1, share=1)
    for wanted, got in (("look@2", 2), ("look@1", 1), ("look", 1)):
        answer = await gateway.chat(gateway={"tools": [wanted]})
        run = (await gateway.http.get(f"/v1/runs/{answer.json()['gateway']['run_id']}")).json()
        [call] = run["steps"][0]["calls"]
        assert (call["name"], call["version"]) == ("look", got)


async def test_a_version_that_is_not_there_is_a_404(serve: Any) -> None:
    gateway = await serve([])
    await with_versions(gateway, 1)
    for answer in (
        await gateway.chat(gateway={"tools": ["look@7"]}),
        await gateway.http.get(f"{LOOK}@7"),
        await gateway.http.post(f"{LOOK}@7/invoke", json={"arguments": {}}),
        await change(gateway, 7, current=True),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "tool_not_found")


@pytest.mark.parametrize(
    ("number", "what", "status"),
    [
        (1, {"share": 1.5}, 400),
        (1, {"alias": "3"}, 400),
        (1, {"currant": True}, 400),
        (2, {"share": 0.5}, 400),
        ("x", {}, 400),
    ],
)
async def test_what_is_no_change_is_refused(
    serve: Any, number: Any, what: dict[str, Any], status: int
) -> None:
    gateway = await serve([])
    await with_versions(gateway, 2)
    before = await listed(gateway)
    assert (await change(gateway, number, **what)).status_code == status
    assert await listed(gateway) == before


async def test_a_tool_that_comes_from_elsewhere_gets_no_version_here(serve: Any) -> None:
    gateway = await serve([])
    other = await gateway.http.put("/v1/tools/add", json={**TOOL, "name": "add"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "not_registered_here")
    moved = await gateway.http.post("/v1/tools/add/versions/1", json={"alias": "stable"})
    assert moved.status_code == 409
    assert (await gateway.http.put(LOOK, json={**TOOL, "name": "lock"})).status_code == 400
