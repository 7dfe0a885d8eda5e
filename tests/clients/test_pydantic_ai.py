"""`pydantic-ai`, streaming, with a tool and a structured answer."""

from __future__ import annotations

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import (
    Agent,
    AgentRunResultEvent,
    ModelSettings,
    NativeOutput,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
)
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai import OpenAIProvider

from routing.backends.scripted import Call
from tests.clients.conftest import ANSWER, QUESTION, WITH_ADD, Begin, Exchange

SETTINGS = ModelSettings(extra_body=WITH_ADD)


MODELS = pytest.mark.parametrize("kind", [OpenAIChatModel, OpenAIResponsesModel])
Kind = type[OpenAIChatModel] | type[OpenAIResponsesModel]


def model(kind: Kind, client: AsyncOpenAI) -> OpenAIChatModel | OpenAIResponsesModel:
    # Calls that ran here come as reasoning; of a model that it does not know, it would send it back as text.
    profile = OpenAIModelProfile(openai_supports_encrypted_reasoning_content=True)
    return kind("gateway", provider=OpenAIProvider(openai_client=client), profile=profile)


@MODELS
async def test_its_agent_streams_an_exchange_with_tools_on_both_sides(
    exchange: Exchange, kind: Kind
) -> None:
    pieces: list[str] = []
    async with exchange.openai() as client:
        agent = Agent(model(kind, client), model_settings=SETTINGS)
        agent.tool_plain(exchange.get_weather)
        async with agent.run_stream_events(QUESTION) as events:
            async for event in events:
                match event:
                    case PartStartEvent(part=TextPart(content=piece)):
                        pieces.append(piece)
                    case PartDeltaEvent(delta=TextPartDelta(content_delta=piece)):
                        pieces.append(piece)
                    case AgentRunResultEvent(result=result):
                        assert result.output == ANSWER
                        assert result.usage.total_tokens == 330
                    case _:
                        pass
    assert len(pieces) > 4
    exchange.check("".join(pieces))


class Sum(BaseModel):
    a: int
    b: int
    sum: int


@MODELS
async def test_a_structured_answer_after_a_call_that_ran_here(
    exchange_of: Begin, kind: Kind
) -> None:
    exchange = await exchange_of(Call("add", {"a": 17, "b": 25}), '{"a": 17, "b": 25, "sum": 42}')
    async with exchange.openai() as client:
        agent = Agent(
            model(kind, client),
            model_settings=SETTINGS,
            output_type=NativeOutput(Sum),
        )
        async with agent.run_stream(QUESTION) as run:
            partial = [each async for each in run.stream_output(debounce_by=None)]
    assert partial[-1] == Sum(a=17, b=25, sum=42)
    assert exchange.gateway.tools.log == ["add"]
    assert exchange.gateway.intermediary.turns[-1].output_schema is not None
