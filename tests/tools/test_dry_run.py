"""Dry calls: told by the executor's own account, made by nobody, and without a trace in what real calls share."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.stage import spec
from tools.bounds import UpstreamBounds
from tools.dry_run import REAL, DryRun
from tools.errors import ToolUnavailable
from tools.executor import CallContext, Executor
from tools.executors.credentials import Credential, Credentials
from tools.executors.function import as_tool, tool
from tools.executors.http import HttpExecutor
from tools.executors.http_session import HttpSessions
from tools.executors.http_template import EndpointTemplate, RequestTemplate
from tools.executors.openapi import BodyTemplate, OperationTemplate, Part
from tools.registry import Registry
from tools.spec import Failure, ToolResult, ToolSpec, ValidCall
from tools.wrappers import Upstream

LOOK = spec("look", {"at": {"type": "string"}}, read_only=True)
PAY = spec("pay", {"to": {"type": "string"}})
WRITES, ALL = CallContext(dry=DryRun("writes")), CallContext(dry=DryRun("all"))
SECRETS = {"TOOL_KEY": "geheim", "TOOL_USER": "ann:geheim"}


@dataclass
class Desk:
    """Remembers what was really done."""

    done: list[str] = field(default_factory=list)

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        self.done.append(call.name)
        return {"done": call.name}


async def made(
    tool_spec: ToolSpec,
    executor: Executor,
    context: CallContext,
    upstream: Upstream | None = None,
    **arguments: Any,
) -> ToolResult:
    registry = Registry()
    registry.register(tool_spec, executor, upstream=upstream)
    call = ValidCall("abcdefgh1", registry.get(tool_spec.name), arguments)
    return await registry.execute(call, context)


def told(result: ToolResult) -> dict[str, Any]:
    assert (result.dry, result.failure, result.attempts) == (True, None, 0)
    return json.loads(result.content)["would_send"]


def over_http(template: RequestTemplate, **secrets: str) -> HttpExecutor:
    return HttpExecutor(template, HttpSessions(), secrets.get)


def test_what_a_dry_run_covers_goes_by_effect_and_by_name() -> None:
    assert not REAL.covers(PAY)
    assert DryRun("writes").covers(PAY)
    assert not DryRun("writes").covers(LOOK)
    assert DryRun("all").covers(LOOK)
    assert DryRun(tools=("lo*",)).covers(LOOK)
    assert not DryRun(tools=("lo*",)).covers(PAY)


def test_of_two_wishes_the_wider_one_counts_whoever_has_it() -> None:
    operator, request = DryRun("writes", ("look",)), DryRun("all", ("pay",))
    assert operator.widened(request) == DryRun("all", ("look", "pay"))
    assert request.widened(operator).calls == "all"
    assert operator.widened(REAL) == operator
    assert REAL.widened(operator) == operator


async def test_a_write_is_told_by_name_and_arguments_and_not_made() -> None:
    desk = Desk()
    result = await made(PAY, desk, WRITES, to="Ann")
    assert told(result) == {"tool": "pay", "arguments": {"to": "Ann"}}
    assert "Not executed" in json.loads(result.content)["note"]
    assert desk.done == []


async def test_a_read_is_made_unless_nothing_is_to_be() -> None:
    desk = Desk()
    result = await made(LOOK, desk, WRITES, at="x")
    assert (result.dry, desk.done) == (False, ["look"])
    assert told(await made(LOOK, desk, ALL, at="x"))["tool"] == "look"
    assert desk.done == ["look"]


async def test_a_function_is_not_called() -> None:
    called: list[str] = []

    @tool
    def greet(name: str) -> str:
        """Say hello."""
        called.append(name)
        return name

    told_spec, executor = as_tool(greet)
    assert told(await made(told_spec, executor, WRITES, name="Ann"))["arguments"] == {"name": "Ann"}
    assert called == []


async def test_a_request_is_told_as_it_would_be_sent_with_its_secrets_blanked() -> None:
    headers = {"Authorization": "Bearer ${TOOL_KEY}", "X-App": "shop"}
    template = EndpointTemplate("POST", "https://api.example.com/people/{to}?v=2", headers)
    result = await made(PAY, over_http(template, **SECRETS), WRITES, to="Ann B", sum=3)
    assert told(result) == {
        "method": "POST",
        "url": "https://api.example.com/people/Ann%20B?v=2",
        "headers": {
            "Authorization": "Bearer ***",
            "X-App": "shop",
            "Content-Type": "application/json",
            "Idempotency-Key": "(made for the call)",
        },
        "body": {"sum": 3},
    }
    assert "geheim" not in result.content


@pytest.mark.parametrize(
    ("credential", "where", "shown"),
    [
        (Credential("basic", "TOOL_USER"), "Authorization", "Basic ***"),
        (Credential("bearer", "TOOL_KEY"), "Authorization", "Bearer ***"),
        (Credential("header", "TOOL_KEY", "X-Key"), "X-Key", "***"),
    ],
)
async def test_credentials_of_an_operation_are_blanked_in_every_spelling(
    credential: Credential, where: str, shown: str
) -> None:
    by_query = Credential("query", "TOOL_KEY", "key")
    template = OperationTemplate(
        "POST",
        "https://api.example.com",
        ("/pay",),
        body=BodyTemplate("application/x-www-form-urlencoded", (Part("to", "to", "body"),)),
        credentials=Credentials((credential, by_query)),
    )
    sent = told(await made(PAY, over_http(template, **SECRETS), WRITES, to="Ann B"))
    assert sent["headers"][where] == shown
    assert sent["url"] == "https://api.example.com/pay?key=***"
    assert sent["body"] == "to=Ann+B"


async def test_a_secret_that_is_not_set_is_missed_as_in_a_real_call() -> None:
    headers = {"Authorization": "Bearer ${TOOL_KEY}"}
    executor = over_http(EndpointTemplate("POST", "https://api.example.com/", headers))
    result = await made(PAY, executor, WRITES, to="Ann")
    assert result.failure is Failure.UNAVAILABLE
    assert "TOOL_KEY is missing" in result.content


async def test_the_same_call_is_told_in_the_same_words() -> None:
    executor = over_http(EndpointTemplate("POST", "https://api.example.com/"))
    keyed = replace(WRITES, idempotency_key="run_1:1:abcdefgh1")
    again = replace(WRITES, idempotency_key="run_1:2:abcdefgh2")
    first, second = [await made(PAY, executor, each, to="Ann") for each in (keyed, again)]
    assert first.content == second.content


async def test_what_a_dry_read_tells_is_never_given_to_a_real_one() -> None:
    desk, registry = Desk(), Registry()
    registry.register(replace(LOOK, cache_s=60.0), desk)
    call = ValidCall("abcdefgh1", registry.get("look"), {"at": "x"})
    assert (await registry.execute(call, ALL)).dry
    real = await registry.execute(call, CallContext())
    assert (real.dry, json.loads(real.content)) == (False, {"done": "look"})
    assert (await registry.execute(call, ALL)).dry  # and what is kept does not answer a dry one
    assert desk.done == ["look"]


async def test_a_dry_call_takes_no_turn_and_no_slot_and_asks_no_breaker() -> None:
    upstream = Upstream("bank", UpstreamBounds(max_concurrent=1, max_per_minute=0.001))
    upstream.breaker = _Open("bank", failures=5, pause_s=30.0)
    for _ in range(3):
        assert (await made(PAY, Desk(), WRITES, upstream, to="Ann")).dry


class _Open(type(Upstream("x").breaker)):
    def enter(self) -> bool:
        raise ToolUnavailable("asked")


async def test_a_call_that_a_person_would_approve_says_so() -> None:
    registry = Registry()
    registry.register(PAY, Desk())
    call = ValidCall("abcdefgh1", registry.get("pay"), {"to": "Ann"}, approval="money")
    content = json.loads((await registry.execute(call, WRITES)).content)
    assert content["approval"] == "money"
    assert "approve" in content["note"]


async def test_a_long_request_is_told_to_its_beginning() -> None:
    result = await made(PAY, Desk(), WRITES, to="x" * 50_000)
    assert len(result.content) < 20_200
    assert (result.dry, result.truncated_from is not None) == (True, True)
