"""What of a request stands in the audit log, and what does not."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from gateway.access.audit import AuditLog, verify
from gateway.access.audited import AuditedPolicies
from gateway.storage.suspensions import Suspension
from policies.cedar.access import CedarAccess
from policies.cedar.cases import AskedTool
from policies.cedar.reloading import ReloadedSet
from policies.policy import Subject
from tests.gateway.access.doors import bearer, doors
from tests.gateway.conftest import Serve
from tools.spec import Effect, ValidCall

POLICIES = """
permit (principal, action, resource);
@id("no-pay") forbid (principal, action == Action::"call", resource == Tool::"pay");
@id("ask") @approval("") permit (principal, action == Action::"call", resource == Tool::"wipe");
"""


async def entries(log: AuditLog) -> list[dict[str, Any]]:
    await log._flush()
    return [json.loads(one.text) for one in await log.store.page(0)]


async def test_what_is_refused_held_or_changes_something_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "some.cedar"
    path.write_text(POLICIES)
    access, log = CedarAccess(ReloadedSet(path)), AuditLog()
    rules = AuditedPolicies([access], log.record, lambda: access.version)
    subject = Subject("run_1", "acme", "0123456789ab", "author")
    for name, effect in (("look", "read"), ("save", "write"), ("pay", "read"), ("wipe", "destroy")):
        tool = AskedTool(name=name, effect=Effect(effect)).spec()
        rules.on_call(subject, ValidCall("000000000", tool, {"to": "somebody@example.com"}))
    told = await entries(log)
    assert [(one["what"], one["said"], one["policy"]) for one in told] == [
        ("save", "allow", ""),
        ("pay", "deny", "no-pay"),
        ("wipe", "approval", "ask"),
    ]
    assert {one["version"] for one in told} == {access.version}
    assert {(one["who"], one["tenant"], one["run_id"]) for one in told} == {
        ("0123456789ab", "acme", "run_1")
    }
    assert "somebody" not in json.dumps(told)


async def test_keys_that_are_made_and_revoked_are_recorded_without_their_secrets(
    serve: Serve,
) -> None:
    made, log = doors(), AuditLog()
    gateway = await serve(keys=made.keys, access=made.access, audit=log)
    operator = await made.key("operator")
    headers = bearer(operator)
    asked = {"name": "Ada's laptop"}
    new = (await gateway.http.post("/v1/keys", json=asked, headers=headers)).json()
    await gateway.http.delete(f"/v1/keys/{new['id']}", headers=headers)
    told = await entries(log)
    assert [(one["action"], one["what"]) for one in told] == [
        ("create_key", new["id"]),
        ("revoke_key", new["id"]),
    ]
    assert {one["who"] for one in told} == {operator[4:16]}
    assert "Ada" not in json.dumps(told)
    assert new["key"].split("_", 2)[2] not in json.dumps(told)
    assert (await verify(log.store)).problem is None


async def test_a_persons_decision_about_a_call_is_recorded(serve: Serve) -> None:
    made, log = doors(), AuditLog()
    gateway = await serve(keys=made.keys, access=made.access, audit=log)
    operator = await made.key("operator")
    waiting = {"name": "add", "arguments": {"a": 1, "b": 2}, "step": 1, "decision": None}
    calls = tuple({"call_id": one, **waiting} for one in ("one", "two"))
    now = time.time()
    await gateway.services.suspensions.put(
        Suspension("default", "run_1", 1, now, now + 60, calls, {})
    )
    told = await gateway.http.post(
        "/v1/runs/run_1/approvals/one", json={"decision": "reject"}, headers=bearer(operator)
    )
    assert told.status_code == 200, told.text
    [entry] = await entries(log)
    assert (entry["action"], entry["what"], entry["run_id"]) == ("reject_call", "one", "run_1")
    assert entry["who"] == operator[4:16]
