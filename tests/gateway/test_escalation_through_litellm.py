"""Escalation through the real LiteLLM to a local provider: the loan, its failures, what is said then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.agent.loop import AgentLoop
from gateway.agent.run import Limits
from gateway.app import create_app
from gateway.services import Services
from routing.backends.litellm import LiteLLMBackend
from routing.backends.openai_http import HttpTimeouts
from routing.backends.retrying import Retries
from routing.backends.scripted import Call, ScriptedBackend
from routing.router import Member, Router
from tests.routing.openai_stub import (
    DONE,
    Reply,
    Stub,
    call,
    calls,
    finish,
    running,
    text,
    usage,
)
from tools.executor import CallContext
from tools.registry import Registry
from tools.spec import Annotations, ToolSpec, ValidCall

pytestmark = pytest.mark.filterwarnings("ignore")  # LiteLLM's own, of many kinds

ADD = ToolSpec(
    "add",
    "Add two integers.",
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
    annotations=Annotations(read_only=True),
)
BAD = Call("add", {"a": "one"})
GOOD = (calls(call(0, "call_x1", "add", '{"a": 1, "b": 2}')), finish("tool_calls"), usage(), DONE)
CUT = (calls(call(0, "call_x1", "add", '{"a": 1,')),)


class Tools:
    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        del context
        self.log.append(call.arguments)
        return {"sum": call.arguments["a"] + call.arguments["b"]}


@asynccontextmanager
async def gateway(
    *replies: Reply, last_words: str, idle_s: float = 20.0
) -> AsyncGenerator[tuple[httpx.AsyncClient, Tools, Stub]]:
    """A gateway whose intermediary fails twice and then says `last_words`."""
    tools, registry = Tools(), Registry()
    registry.register(ADD, tools)
    small = ScriptedBackend([BAD, BAD, last_words], name="small", model="small")
    async with running(*replies) as provider:
        large = LiteLLMBackend(
            "large",
            "openai/m",
            base_url=provider.url,
            api_key="none",
            timeouts=HttpTimeouts(idle_s=idle_s),
            retries=Retries(attempts=1),
            price=(2.0, 6.0),
        )
        router = Router(Member(small), Member(large, large.price_usd))
        services = Services(
            AgentLoop(router, registry),
            registry,
            {"intermediary": small, "expert": large},
            limits=Limits(deadline_s=60.0),
        )
        app = create_app(services)
        app.state.services = services
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield client, tools, provider
        await services.aclose()


async def ask(client: httpx.AsyncClient) -> dict[str, Any]:
    messages = [{"role": "user", "content": "What is one and two?"}]
    body = {"model": "gateway", "messages": messages}
    answer = await client.post("/v1/chat/completions", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_expert_makes_the_call_and_the_intermediary_answers() -> None:
    async with gateway(Reply(GOOD), last_words="It is 3.") as (client, tools, provider):
        answer = await ask(client)
    assert answer["choices"][0]["message"]["content"] == "It is 3."
    assert tools.log == [{"a": 1, "b": 2}]
    [receipt] = answer["gateway"]["escalations"]
    assert receipt["reason"] == "invalid_after_repair"
    assert receipt["cost_usd"] == pytest.approx((7 * 2.0 + 3 * 6.0) / 1e6)
    [asked] = provider.requests
    assert [message["role"] for message in asked["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
    ]
    assert asked["tools"][0]["function"]["name"] == "add"


HANG = Reply(GOOD, holds={0: asyncio.Event()})
FAILURES = {
    "timeout": HANG,
    "429": Reply((b'{"error": {"message": "slow down"}}',), 429, {"Retry-After": "60"}),
    "500": Reply((b'{"error": {"message": "oops"}}',), 500),
    "cut stream": Reply(CUT, cut=True),
    "stream without an end": Reply(CUT),
    "not json": Reply((b"data: {nonsense\n\n",)),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_when_the_expert_fails_the_intermediary_answers_and_the_answer_says_so(
    name: str,
) -> None:
    idle_s = 0.5 if name == "timeout" else 20.0
    async with gateway(FAILURES[name], last_words="I tried.", idle_s=idle_s) as (client, tools, _):
        answer = await ask(client)
    said = answer["choices"][0]["message"]["content"]
    assert said.startswith("I tried.\n\nI could not do all of this")
    assert tools.log == []
    assert answer["gateway"]["escalations"][0]["failed"]
    assert answer["gateway"]["incomplete_details"]["reason"] == "expert_failed"


async def test_text_that_the_expert_streamed_before_it_broke_is_not_repeated() -> None:
    broken = Reply((text("One and two"),), cut=True)
    async with gateway(broken, last_words="unused") as (client, _, _provider):
        answer = await ask(client)
    said = answer["choices"][0]["message"]["content"]
    assert said.startswith("One and two\n\nThis answer was cut off")
    assert answer["gateway"]["incomplete_details"]["reason"] == "stream_cut"
