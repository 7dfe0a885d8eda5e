"""Rates as apps meet them."""

from __future__ import annotations

from typing import Any

from policies.loader import parse
from policies.policy import Policy, Subject


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
