"""`openai-agents`, streaming: its runner does the loop on the app's side."""

from __future__ import annotations

import pytest
from agents import (
    Agent,
    FunctionTool,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    OpenAIResponsesWSModel,
    RunConfig,
    Runner,
    function_tool,
)
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent

from routing.backends.scripted import Call
from tests.clients.conftest import ANSWER, QUESTION, WITH_ADD, Begin, Exchange

QUIET = RunConfig(tracing_disabled=True)


MODELS = pytest.mark.parametrize(
    "kind", [OpenAIChatCompletionsModel, OpenAIResponsesModel, OpenAIResponsesWSModel]
)
Kind = type[OpenAIChatCompletionsModel | OpenAIResponsesModel | OpenAIResponsesWSModel]


def agent(kind: Kind, client: AsyncOpenAI, tools: list[FunctionTool]) -> Agent:
    return Agent(
        name="assistant",
        instructions="Be brief.",
        model=kind("gateway", client),
        model_settings=ModelSettings(extra_body=WITH_ADD, include_usage=True),
        tools=[*tools],
    )


@MODELS
async def test_its_runner_streams_an_exchange_with_tools_on_both_sides(
    exchange: Exchange, kind: Kind
) -> None:
    async with exchange.openai() as client:
        own = agent(kind, client, [function_tool(exchange.get_weather)])
        run = Runner.run_streamed(own, QUESTION, run_config=QUIET)
        pieces = [
            event.data.delta
            async for event in run.stream_events()
            if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
        ]
    assert len(pieces) > 4
    assert run.final_output == ANSWER
    assert run.context_wrapper.usage.total_tokens == 330
    exchange.check("".join(pieces))


@MODELS
async def test_an_agent_without_tools_of_its_own_uses_the_gateways(
    exchange_of: Begin, kind: Kind
) -> None:
    exchange = await exchange_of(Call("add", {"a": 17, "b": 25}), ANSWER)
    async with exchange.openai() as client:
        run = Runner.run_streamed(agent(kind, client, []), QUESTION, run_config=QUIET)
        async for _ in run.stream_events():
            pass
    assert run.final_output == ANSWER
    assert exchange.gateway.tools.log == ["add"]
