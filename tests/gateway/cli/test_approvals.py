"""`gateway approvals` and `gateway effects`: what waits for a person, decided from a terminal."""

from __future__ import annotations

import asyncio
import json
from itertools import repeat
from typing import Any

import httpx
from mistral_common.protocol.instruct.messages import ToolMessage
from typer.testing import CliRunner, Result

from gateway.agent.writes import Writes
from gateway.cli import commands
from gateway.storage.ledger import Intent, Place, Receipt
from policies.decision import Decision, RequireApproval
from policies.policy import Policy, Subject
from routing.backend import Turn
from routing.backends.scripted import Answer, Call
from tools.spec import ValidCall

from .conftest import Serve

cli = CliRunner(env={"COLUMNS": "200"})
LOST = Intent(Place("default", "run_1", "1.call00001"), "pay", {"to": "Ann [x]"}, "key")


class Ask(Policy):
    """Everything is for a person."""

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        return RequireApproval("sums are dear", "dear")


def add(turn: Turn) -> Answer:
    """The call that is held, and words once there is a result."""
    if isinstance(turn.messages[-1], ToolMessage):
        return "That is settled."
    return Call("calculate", {"expression": "6 * 7"}, id="call00001")


def run(*words: str) -> Result:
    return cli.invoke(commands(), [*words])


def interrupted(url: str) -> str:
    asked = {"model": "gateway", "messages": [{"role": "user", "content": "What is 6 * 7?"}]}
    answer = httpx.post(f"{url}/v1/chat/completions", json=asked, timeout=30)
    return answer.json()["gateway"]["run_id"]


def settled(url: str, run_id: str) -> dict[str, Any]:
    """The run once it has gone on."""
    while True:
        told = httpx.get(f"{url}/v1/runs/{run_id}", timeout=30).json()
        if told["status"] == "completed":
            return told


def results(told: dict[str, Any]) -> list[str]:
    return [call["result"]["content"] for call in told["steps"][0]["calls"]]


def test_calls_that_wait_are_listed_approved_edited_and_rejected(serve: Serve) -> None:
    url = serve(*repeat(add, 8), policies=Ask())
    runs = [interrupted(url) for _ in range(3)]
    listed = run("approvals", "list", "--url", url)
    for told in (*runs, "call00001", 'calculate {"expression": "6 * 7"}', "sums are dear"):
        assert told in listed.stdout
    found = json.loads(run("approvals", "list", "--json", "--limit", "2", "--url", url).stdout)
    assert [each["run_id"] for each in found] == runs[:2]
    approved = run("approvals", "approve", runs[0], "call00001", "--url", url)
    assert (approved.exit_code, approved.stderr) == (0, "calculate: approve; the run goes on\n")
    other = '{"expression": "1 + 1"}'
    assert run("approvals", "edit", runs[1], "call00001", other, "--url", url).exit_code == 0
    why = ("--reason", "too dear")
    assert run("approvals", "reject", runs[2], "call00001", *why, "--url", url).exit_code == 0
    first, second, third = (settled(url, each) for each in runs)
    assert (results(first), results(second)) == (['{"result":"42"}'], ['{"result":"2"}'])
    assert third["approvals"][0]["decision_reason"] == "too dear"
    assert json.loads(run("approvals", "list", "--json", "--url", url).stdout) == []


def test_a_decision_that_can_not_be_taken_says_why(serve: Serve) -> None:
    url = serve(*repeat(add, 2), policies=Ask())
    run_id = interrupted(url)
    for words, code, told in (
        (("edit", run_id, "call00001", "{"), 2, "the arguments are no JSON"),
        (("edit", run_id, "call00001", "{}"), 1, "expression"),
        (("approve", run_id, "nothing00"), 1, "waits in this run"),
        (("approve", "../keys", "call00001"), 1, "Not Found"),
    ):
        done = run("approvals", *words, "--url", url)
        assert (done.exit_code, told in done.output) == (code, True), done.output


def test_what_nobody_knows_is_listed_and_settled(serve: Serve) -> None:
    writes = Writes()
    asyncio.run(writes.ledger.begin(LOST))
    asyncio.run(writes.ledger.close(LOST.place, Receipt("unknown", "tool", note="no answer")))
    url = serve(writes=writes)
    listed = run("effects", "list", "--url", url).stdout
    for told in ("run_1", "1.call00001", 'pay {"to": "Ann [x]"}', "no answer"):
        assert told in listed
    found = ("effects", "settle", "run_1", "1.call00001", "done", "--note", "saw it")
    done = run(*found, "--url", url)
    assert (done.exit_code, done.stderr) == (0, "pay 1.call00001: done\n")
    assert json.loads(run("effects", "list", "--json", "--url", url).stdout) == []
    again = run("effects", "settle", "run_1", "1.call00001", "not_done", "--url", url)
    assert (again.exit_code, "it is done" in again.output) == (1, True)
