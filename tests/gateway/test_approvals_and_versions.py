"""A run that waited for a person keeps the versions of its tools, also in another process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from policies.decision import ALLOW, Decision, RequireApproval
from policies.policy import Policy, Subject
from routing.backends.scripted import Call
from tests.gateway.test_approvals import decide, interrupted, over, stores, went_on
from tools.spec import ValidCall

BUY = "/v1/tools/buy"


class People(Policy):
    """What is bought is for people."""

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        return RequireApproval("money", "people") if call.name == "buy" else ALLOW


@dataclass
class Shop:
    """Answers everything, and remembers at which address."""

    url: str = ""
    seen: list[str] = field(default_factory=list[str])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["path"])
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'"bought"'})

    def tool(self, version: str, what: str = "string") -> dict[str, Any]:
        return {
            "name": "buy",
            "description": f"Buys, {version}.",
            "parameters": {
                "type": "object",
                "properties": {"what": {"type": what}},
                "required": ["what"],
            },
            "executor": {"kind": "http", "method": "POST", "url": f"{self.url}/{version}"},
        }


@pytest.fixture
async def shop(listen: Any) -> AsyncIterator[Shop]:
    made = Shop()
    async with listen(made) as made.url:
        yield made


@dataclass
class Waiting:
    """A run that was interrupted at version one; `gateway` is another process over the same store."""

    gateway: Any
    run_id: str


@pytest.fixture
async def waiting(serve: Any, shop: Shop, tmp_path: Path) -> Waiting:
    """Meanwhile version two came into use, which takes other arguments, and the first process ended."""
    path = tmp_path / "gateway.db"
    options = {"policies": People(), "allow_private": True}
    before = await asyncio.to_thread(stores, path)
    call = Call("buy", {"what": "tea"}, id="abcdefgh1")
    first = await serve([call], **options, **over(before))
    assert (await first.http.put(BUY, json=shop.tool("one"))).status_code == 200
    run_id = await interrupted(first)
    assert (await first.http.put(BUY, json=shop.tool("two", "integer"))).status_code == 200
    await before.runs.settled()
    after = await asyncio.to_thread(stores, path)
    second = await serve(["Done."], **options, **over(after))
    assert (await second.http.get(BUY)).json()["version"] == 2
    return Waiting(second, run_id)


async def test_it_goes_on_with_the_versions_that_it_began_with(
    waiting: Waiting, shop: Shop
) -> None:
    gateway, run_id = waiting.gateway, waiting.run_id
    assert (await decide(gateway, run_id, decision="approve")).status_code == 200
    trace = await went_on(gateway, run_id)
    assert (trace["status"], trace["answer"]) == ("completed", "Done.")
    [call] = trace["steps"][0]["calls"]
    versions = (await gateway.http.get(f"{BUY}/versions")).json()["data"]
    assert (call["version"], call["hash"]) == (1, versions[0]["hash"])
    assert shop.seen == ["/one"]
    described = {
        t.function.name: t.function.description for t in gateway.intermediary.turns[0].tools
    }
    assert described["buy"] == "Buys, one."


async def test_an_edit_is_judged_by_the_version_that_will_run(waiting: Waiting, shop: Shop) -> None:
    gateway, run_id = waiting.gateway, waiting.run_id
    wrong = await decide(gateway, run_id, decision="edit", arguments={"what": []})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "arguments.what")
    await decide(gateway, run_id, decision="edit", arguments={"what": "milk"})
    trace = await went_on(gateway, run_id)
    assert trace["status"] == "completed"
    assert shop.seen == ["/one"]


async def test_it_ends_and_says_so_when_that_version_is_gone(waiting: Waiting, shop: Shop) -> None:
    gateway, run_id = waiting.gateway, waiting.run_id
    await gateway.http.delete(BUY)
    await gateway.http.put(BUY, json=shop.tool("three"))
    await decide(gateway, run_id, decision="approve")
    trace = await gateway.ended(run_id)
    while trace["incomplete_details"]["reason"] == "approval_required":
        trace = await gateway.ended(run_id)
    assert trace["incomplete_details"]["reason"] == "tool_version_gone"
    assert trace["status"] == "incomplete"
    assert "the version of buy" in trace["incomplete_details"]["detail"]
    assert "I could not do what was approved" in trace["answer"]
    assert shop.seen == []
    assert gateway.intermediary.turns == []
    assert "not there any more" in json.dumps(trace["steps"])


async def test_a_rejected_call_needs_no_version(waiting: Waiting, shop: Shop) -> None:
    gateway, run_id = waiting.gateway, waiting.run_id
    await gateway.http.delete(BUY)
    await decide(gateway, run_id, decision="reject")
    trace = await went_on(gateway, run_id)
    assert (trace["status"], trace["answer"]) == ("completed", "Done.")
    assert shop.seen == []
