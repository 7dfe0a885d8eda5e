"""Calls that a rule holds: seen, decided by a person, and the run goes on, in this process or another."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.access.audit import AuditLog
from gateway.agent.run import Limits
from gateway.agent.till import Till
from gateway.agent.writes import Writes
from gateway.storage.durable import Bounds
from gateway.storage.retention import Retention
from gateway.storage.sql.migrate import prepare
from gateway.storage.sql.stores import SqlStores, open_stores
from policies.decision import ALLOW, Decision, Deny, RequireApproval
from policies.policy import Policy, Subject
from routing.backends.scripted import Call, Say
from tools.spec import ValidCall

APPROVED: dict[str, Any] = {
    "decision": "approve",
    "edited_arguments": None,
    "decision_reason": None,
}
ADD_100 = Call("add", {"a": 100, "b": 1}, id="abcdefgh1")


class People(Policy):
    """Sums of a hundred are for people, those of 666 for nobody."""

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        match call.arguments.get("a"):
            case 100 | 101:
                return RequireApproval("a hundred is a lot", "people")
            case 666:
                return Deny("not that one", "devil")
            case _:
                return ALLOW


async def decide(gateway: Any, run_id: str, call: str = "abcdefgh1", **body: Any) -> Any:
    return await gateway.http.post(f"/v1/runs/{run_id}/approvals/{call}", json=body)


async def interrupted(gateway: Any) -> str:
    answer = (await gateway.chat()).json()
    assert answer["gateway"]["incomplete_details"]["reason"] == "approval_required"
    return answer["gateway"]["run_id"]


async def went_on(gateway: Any, run_id: str) -> dict[str, Any]:
    for _ in range(500):
        trace = await gateway.ended(run_id)
        if trace["status"] not in ("incomplete", "running"):
            return trace
    raise AssertionError("the run did not go on")


async def test_a_held_call_is_in_the_answer_the_trace_and_the_events(serve: Any) -> None:
    gateway = await serve([[Call("add", {"a": 1, "b": 1}), ADD_100]], policies=People())
    answer = (await gateway.chat()).json()
    run_id = answer["gateway"]["run_id"]
    [asked] = answer["gateway"]["approvals"]
    assert (asked["call_id"], asked["name"]) == ("abcdefgh1", "add")
    assert asked["arguments"] == {"a": 100, "b": 1}
    assert (asked["reason"], asked["rule"]) == ("a hundred is a lot", "people")
    assert asked["decision"] is None
    trace = await gateway.ended(run_id)
    assert trace["approvals"] == [asked]
    [ran] = trace["steps"][0]["calls"]
    assert json.loads(ran["result"]["content"]) == {"sum": 2}
    events = (await gateway.http.get(f"/v1/runs/{run_id}/events")).text
    assert "event: approval.requested" in events
    listed = (await gateway.http.get(f"/v1/runs/{run_id}/approvals")).json()
    assert listed["data"] == [asked]


async def test_an_approved_call_runs_and_the_run_goes_on(serve: Any) -> None:
    script = [Say("One moment.", [ADD_100, Call("add", {"a": 1, "b": 1})]), "It is 101."]
    gateway = await serve(script, policies=People())
    run_id = await interrupted(gateway)
    answered = await decide(gateway, run_id, decision="approve")
    assert answered.status_code == 200
    assert answered.json()["waiting"] == []
    trace = await went_on(gateway, run_id)
    assert trace["status"] == "completed"
    assert trace["answer"] == "One moment.\n\nIt is 101."
    assert [step["step"] for step in trace["steps"]] == [1, 2]
    assert trace["approvals"][0]["decision"] == "approve"
    results = [json.loads(call["result"]["content"])["sum"] for call in trace["steps"][0]["calls"]]
    assert sorted(results) == [2, 101]
    assert trace["usage"]["total_tokens"] == 220
    # The model reads the results in the order of its calls.
    last = gateway.intermediary.turns[-1].messages
    assert [json.loads(m.content)["sum"] for m in last if m.role == "tool"] == [101, 2]
    names = (await gateway.http.get(f"/v1/runs/{run_id}/events")).text
    assert names.index("approval.requested") < names.index("approval.decided")
    assert names.index("approval.decided") < names.index("It is 101.")


async def test_all_that_waits_is_listed_until_it_is_decided(serve: Any) -> None:
    both = [ADD_100, Call("add", {"a": 101, "b": 1}, id="abcdefgh2")]
    gateway = await serve([Say("", both), ADD_100, "Done.", "Done."], policies=People())
    first, second = await interrupted(gateway), await interrupted(gateway)

    async def listed(**query: Any) -> list[tuple[str, str]]:
        found = (await gateway.http.get("/v1/approvals", params=query)).json()["data"]
        return [(each["run_id"], each["call_id"]) for each in found]

    assert await listed() == [
        (first, "abcdefgh1"),
        (first, "abcdefgh2"),
        (second, "abcdefgh1"),
    ]
    assert await listed(limit=1) == [(first, "abcdefgh1"), (first, "abcdefgh2")]
    told = (await gateway.http.get("/v1/approvals")).json()["data"][0]
    assert (told["name"], told["reason"]) == ("add", "a hundred is a lot")
    assert told["question"] in str(gateway.intermediary.turns[0].messages[-1].content)
    assert told["question"]
    await decide(gateway, first, decision="approve")
    assert await listed() == [(first, "abcdefgh2"), (second, "abcdefgh1")]
    await decide(gateway, first, "abcdefgh2", decision="reject")
    await decide(gateway, second, decision="reject")
    assert await listed() == []
    assert (await gateway.http.get("/v1/approvals?limit=0")).status_code == 400


async def test_a_rejection_is_what_the_model_reads(serve: Any) -> None:
    gateway = await serve([ADD_100, "Then not."], policies=People())
    run_id = await interrupted(gateway)
    await decide(gateway, run_id, decision="reject", reason="wrong account")
    trace = await went_on(gateway, run_id)
    assert trace["answer"] == "Then not."
    assert gateway.tools.log == []
    assert "wrong account" in gateway.intermediary.turns[-1].messages[-1].content


async def test_an_edit_is_validated_at_its_place_then_run_and_remembered(serve: Any) -> None:
    gateway = await serve([ADD_100, "It is 7."], policies=People())
    run_id = await interrupted(gateway)
    wrong = await decide(gateway, run_id, decision="edit", arguments={"a": "x", "b": 1})
    assert wrong.status_code == 400
    assert wrong.json()["error"]["param"] == "arguments.a"
    denied = await decide(gateway, run_id, decision="edit", arguments={"a": 666, "b": 1})
    assert (denied.status_code, denied.json()["error"]["code"]) == (403, "devil")
    missing = await decide(gateway, run_id, decision="edit")
    assert missing.status_code == 400
    await decide(gateway, run_id, decision="edit", arguments={"a": 5, "b": 2})
    trace = await went_on(gateway, run_id)
    [call] = trace["steps"][0]["calls"]
    assert call["arguments"] == {"a": 5, "b": 2}
    assert trace["approvals"][0]["edited_arguments"] == {"a": 5, "b": 2}
    said = gateway.intermediary.turns[-1].messages[1].tool_calls[0].function.arguments
    assert json.loads(said) == {"a": 5, "b": 2}


async def test_deciding_twice_is_the_same_answer_or_a_conflict(serve: Any) -> None:
    gateway = await serve([ADD_100, "It is 101."], policies=People())
    run_id = await interrupted(gateway)
    first = (await decide(gateway, run_id, decision="approve")).json()
    again = await decide(gateway, run_id, decision="approve")
    assert again.json() == first
    other = await decide(gateway, run_id, decision="reject")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "approval_decided")
    await went_on(gateway, run_id)
    assert (await decide(gateway, run_id, decision="approve")).status_code == 200
    assert gateway.tools.log == ["add"]
    unknown = await decide(gateway, run_id, call="zzzzzzzzz", decision="approve")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "approval_not_found")


async def test_a_run_goes_on_when_all_calls_of_the_turn_are_decided(serve: Any) -> None:
    second = Call("add", {"a": 101, "b": 1}, id="abcdefgh2")
    gateway = await serve([[ADD_100, second], "Done."], policies=People())
    run_id = await interrupted(gateway)
    told = (await decide(gateway, run_id, call="abcdefgh2", decision="approve")).json()
    assert told["waiting"] == ["abcdefgh1"]
    assert gateway.tools.log == []
    await decide(gateway, run_id, decision="reject")
    trace = await went_on(gateway, run_id)
    assert trace["answer"] == "Done."
    assert gateway.tools.log == ["add"]


async def test_a_resumed_run_may_be_interrupted_again(serve: Any) -> None:
    second = Call("add", {"a": 101, "b": 1}, id="abcdefgh2")
    gateway = await serve([ADD_100, second, "Done."], policies=People())
    run_id = await interrupted(gateway)
    await decide(gateway, run_id, decision="approve")
    for _ in range(500):
        if not (await decide(gateway, run_id, "abcdefgh2", decision="approve")).is_error:
            break
    trace = await went_on(gateway, run_id)
    assert [each["decision"] for each in trace["approvals"]] == ["approve", "approve"]
    assert len(gateway.tools.log) == 2


async def test_a_decision_that_comes_too_late_changes_nothing(serve: Any) -> None:
    gateway = await serve([ADD_100], policies=People(), limits=Limits(approval_s=0.0))
    run_id = await interrupted(gateway)
    late = await decide(gateway, run_id, decision="approve")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "approval_expired")
    assert gateway.tools.log == []


def stores(path: Path) -> SqlStores:
    url = f"sqlite:///{path}"
    prepare(url)
    return open_stores(url, Retention())


def over(stores: SqlStores) -> dict[str, Any]:
    """All of them: the gateway closes what it was given."""
    names = set(stores._fields) - {"runs", "ledger", "audit", "accounts", "tools", "rates"}
    writes, audit = Writes(stores.ledger), AuditLog(stores.audit)
    own = {"store": stores.runs, "writes": writes, "audit": audit, "till": Till(stores.accounts)}
    own |= {"tool_store": stores.tools, "closers": (stores.rates.aclose,)}
    return own | {name: getattr(stores, name) for name in names}


@pytest.mark.parametrize("decided_before", [False, True])
async def test_another_process_goes_on_with_the_run(
    serve: Any, tmp_path: Path, decided_before: bool
) -> None:
    path = tmp_path / "gateway.db"
    before = await asyncio.to_thread(stores, path)
    idle = Bounds(in_process=0)
    first = await serve([ADD_100], policies=People(), queue=idle, **over(before))
    run_id = await interrupted(first)
    if decided_before:  # and the gateway had no place for it
        await before.suspensions.decide("default", run_id, "abcdefgh1", APPROVED)
    await before.runs.settled()
    after = await asyncio.to_thread(stores, path)
    second = await serve(["It is 101."], policies=People(), **over(after))
    if not decided_before:
        await decide(second, run_id, decision="approve")
    trace = await went_on(second, run_id)
    assert (trace["status"], trace["answer"]) == ("completed", "It is 101.")
    assert [step["step"] for step in trace["steps"]] == [1, 2]
    assert (first.tools.log, second.tools.log) == ([], ["add"])
    assert second.intermediary.turns[0].messages[0].content == "Go."
