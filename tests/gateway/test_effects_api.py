"""`/v1/effects` and `/v1/runs/{id}/effects`: what became of writes, and a person's word on it."""

from __future__ import annotations

from typing import Any

from gateway.storage.ledger import Intent, Place, Receipt


async def leave_unknown(gateway: Any) -> None:
    ledger = gateway.services.writes.ledger
    place = Place("default", "run_1", "1.a")
    await ledger.begin(Intent(place, "pay", {"to": "Ann"}, "run_1:1:a"))
    await ledger.close(place, Receipt("unknown", "tool", note="silence"))


async def test_what_is_unknown_is_listed_and_a_person_settles_it(serve: Any) -> None:
    gateway = await serve([])
    await leave_unknown(gateway)
    [listed] = (await gateway.http.get("/v1/effects")).json()["data"]
    assert (listed["id"], listed["run_id"], listed["state"]) == ("1.a", "run_1", "unknown")
    assert (listed["name"], listed["arguments"]) == ("pay", {"to": "Ann"})
    url, said = "/v1/runs/run_1/effects/1.a", {"outcome": "not_done", "note": "asked Ann"}
    settled = (await gateway.http.post(url, json=said)).json()
    assert (settled["state"], settled["settled_by"]) == ("not_done", "person")
    assert settled["note"] == "asked Ann"
    assert (await gateway.http.get("/v1/effects")).json()["data"] == []
    [of_run] = (await gateway.http.get("/v1/runs/run_1/effects")).json()["data"]
    assert of_run == settled
    assert (await gateway.http.post(url, json=said)).json() == settled
    other = await gateway.http.post(url, json={"outcome": "done"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "effect_settled")


async def test_what_is_no_effect_or_no_resolution_is_refused(serve: Any) -> None:
    gateway = await serve([])
    missing = await gateway.http.post("/v1/runs/run_1/effects/1.z", json={"outcome": "done"})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "effect_not_found")
    wrong = await gateway.http.post("/v1/runs/run_1/effects/1.a", json={"outcome": "perhaps"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "outcome")
