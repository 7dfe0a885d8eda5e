"""Making, listing, rotating and revoking keys over REST."""

from __future__ import annotations

import pytest

from tests.gateway.access.doors import bearer, doors
from tests.gateway.conftest import Serve


async def test_a_key_is_made_used_rotated_and_revoked(serve: Serve) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    operator = bearer(await made.key("operator"))
    asked = {"role": "author", "tenant": "acme", "name": "ci", "expires_in_s": 3600}
    new = (await gateway.http.post("/v1/keys", json=asked, headers=operator)).json()
    assert (new["role"], new["tenant"], new["name"], new["valid"]) == ("author", "acme", "ci", True)
    assert new["key"].startswith(new["prefix"])
    assert (await gateway.http.get("/v1/tools", headers=bearer(new["key"]))).status_code == 200
    path = f"/v1/keys/{new['id']}"

    rotated = await gateway.http.post(f"{path}/rotate", json={}, headers=operator)
    after = rotated.json()
    assert (rotated.status_code, after["replaces"], after["tenant"]) == (201, new["id"], "acme")
    assert (await gateway.http.get("/v1/tools", headers=bearer(new["key"]))).status_code == 401
    assert (await gateway.http.get("/v1/tools", headers=bearer(after["key"]))).status_code == 200

    gone = await gateway.http.delete(f"/v1/keys/{after['id']}", headers=operator)
    assert gone.json()["valid"] is False
    listed = (await gateway.http.get("/v1/keys", headers=operator)).json()["data"]
    assert [one["valid"] for one in listed if one["tenant"] == "acme"] == [False, False]
    assert not any("key" in one or "digest" in one for one in listed)


async def test_a_rotation_with_grace_leaves_the_old_key_valid_for_a_while(serve: Serve) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    operator, old = bearer(await made.key("operator")), await made.key()
    path = f"/v1/keys/{old[4:16]}/rotate"
    await gateway.http.post(path, json={"grace_s": 60}, headers=operator)
    assert (await gateway.http.get("/v1/tools", headers=bearer(old))).status_code == 200


@pytest.mark.parametrize("key_id", ["0" * 12, "gwk_" + "0" * 12, "%2e%2e", "x" * 5000])
async def test_a_key_that_is_not_there_is_not_found(serve: Serve, key_id: str) -> None:
    gateway = await serve()
    assert (await gateway.http.delete(f"/v1/keys/{key_id}")).status_code == 404
    assert (await gateway.http.post(f"/v1/keys/{key_id}/rotate", json={})).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"role": "admin"}, {"tenant": ""}, {"tenant": "a/b"}, {"expires_in_s": 0}, {"scopes": []}],
)
async def test_a_key_that_means_nothing_is_refused(serve: Serve, body: dict[str, object]) -> None:
    gateway = await serve()
    got = await gateway.http.post("/v1/keys", json=body)
    assert got.status_code == 400
    assert got.json()["error"]["param"] in body
