"""Rates as apps meet them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from policies.allowance import LocalAllowance
from policies.loader import parse
from policies.policy import Policies, Policy, Subject
from routing.backends.scripted import Call


async def test_a_run_beyond_its_rate_is_429_and_says_when_to_come_back(serve: Any) -> None:
    gateway = await serve(["Hi."], policies=parse({"rules": [{"rate_limit": {"requests": 1}}]}))
    assert (await gateway.chat()).status_code == 200
    answer = await gateway.chat()
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert answer.json()["error"]["code"] == "rate_limit"


async def test_an_invocation_beyond_its_rate_is_429(serve: Any) -> None:
    gateway = await serve([], policies=parse({"rules": [{"rate_limit": {"calls": 1}}]}))
    body = {"arguments": {"a": 1, "b": 2}}
    assert (await gateway.http.post("/v1/tools/add/invoke", json=body)).status_code == 200
    answer = await gateway.http.post("/v1/tools/add/invoke", json=body)
    assert answer.status_code == 429
    assert "retry-after" in answer.headers


async def test_two_gateways_with_one_allowance_serve_together_what_one_would(serve: Any) -> None:
    shared, rules = LocalAllowance(), parse({"rules": [{"rate_limit": {"requests": 3}}]})
    gateways = [await serve(["Hi."] * 4, policies=Policies([rules], shared)) for _ in range(2)]
    answers = await asyncio.gather(*(each.chat() for each in gateways * 4))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 5


async def test_of_the_calls_of_a_turn_those_beyond_the_rate_are_refused(serve: Any) -> None:
    rules = parse({"rules": [{"rate_limit": {"calls": 2}}]})
    calls = [Call("add", {"a": n, "b": n}) for n in range(3)]
    gateway = await serve([calls, "Two of three."], policies=rules)
    told = (await gateway.chat()).json()
    assert told["choices"][0]["message"]["content"] == "Two of three."
    run = (await gateway.http.get(f"/v1/runs/{told['gateway']['run_id']}")).json()
    assert json.dumps(run).count("Not allowed: more than 2 calls in 60 s") >= 1
    assert gateway.tools.log == ["add", "add"], "the third was not begun early either"


async def test_the_rules_are_told_what_a_turn_took(serve: Any) -> None:
    class Counts(Policy):
        tokens = 0

        def on_spend(self, subject: Subject, tokens: int, cost_usd: float) -> None:
            assert cost_usd > 0
            self.tokens += tokens

    counts = Counts()
    gateway = await serve(["Hi."], policies=counts)
    await gateway.chat()
    assert counts.tokens == 110
