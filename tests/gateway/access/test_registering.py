"""Who may register and remove tools is said by policy, below what roles allow."""

from __future__ import annotations

from policies.decision import ALLOW, Allow, Deny
from policies.policy import Policy, Subject
from tests.gateway.access.doors import bearer, doors
from tests.gateway.conftest import Serve
from tools.spec import ToolSpec

TOOL = {
    "name": "look",
    "description": "Look something up.",
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    "annotations": {"read_only": True},
    "executor": {"kind": "http", "method": "GET", "url": "https://example.com/look"},
}


class OnlyAcme(Policy):
    def on_register(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
        return ALLOW if subject.tenant == "acme" else Deny(f"{tool.name} is not yours", "acme")


async def test_policy_keeps_an_author_from_registering_and_removing(serve: Serve) -> None:
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access, policies=OnlyAcme())
    mine, other = [bearer(await made.key("author", tenant)) for tenant in ("acme", "else")]
    got = await gateway.http.post("/v1/tools", json=TOOL, headers=other)
    assert (got.status_code, got.json()["error"]["code"]) == (403, "acme")
    assert (await gateway.http.post("/v1/tools", json=TOOL, headers=mine)).status_code == 201
    path = "/v1/tools/look"
    assert (await gateway.http.put(path, json=TOOL, headers=other)).status_code == 403
    change = {"current": True}
    revised = await gateway.http.post(f"{path}/versions/1", json=change, headers=other)
    assert revised.status_code == 403
    assert (await gateway.http.delete(path, headers=other)).status_code == 403
    assert (await gateway.http.delete(path, headers=mine)).status_code == 200
