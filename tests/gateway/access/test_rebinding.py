"""A web page whose name was made to lead to this machine (DNS rebinding) gets nothing out of a gateway without keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.gateway.access.doors import bearer, doors
from tests.gateway.access.test_doors import CLOSED
from tests.gateway.conftest import Serve

EVIL = {"host": "evil.example:8080"}


async def test_no_route_answers_a_foreign_host_over_loopback(serve: Serve) -> None:
    gateway = await serve()
    for method, path in CLOSED:
        got = await gateway.http.request(method, path, headers=EVIL)
        assert got.status_code == 421, (method, path)
        if method != "HEAD":
            assert got.json()["error"]["code"] == "wrong_host"
    assert gateway.intermediary.turns == []


@pytest.mark.parametrize("host", ["127.0.0.1.evil.example", "localhost.evil.example", "", "[::1"])
async def test_what_only_begins_like_this_machine_is_foreign(serve: Serve, host: str) -> None:
    gateway = await serve()
    assert (await gateway.http.get("/v1/runs", headers={"host": host})).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080"])
async def test_the_names_of_this_machine_are_its_own(serve: Serve, host: str) -> None:
    gateway = await serve()
    assert (await gateway.http.get("/v1/runs", headers={"host": host})).status_code == 200


async def test_a_websocket_of_a_foreign_host_is_refused(serve: Serve) -> None:
    gateway = await serve()
    port = int(gateway.url.rpartition(":")[2])
    with pytest.raises(InvalidStatus) as refused:
        async with connect("ws://evil.example/v1/responses", host="127.0.0.1", port=port):
            pass
    told: dict[str, Any] = json.loads(refused.value.response.body)
    assert (refused.value.response.status_code, told["error"]["code"]) == (421, "wrong_host")


async def test_whoever_shows_a_key_may_come_by_any_name(serve: Serve) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    shown = {**EVIL, **bearer(await made.key())}
    assert (await gateway.http.get("/v1/runs", headers=shown)).status_code == 200
