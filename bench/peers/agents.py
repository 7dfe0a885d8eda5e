"""An agent of another framework behind one route, as its documentation shows it: `AGENT=langgraph`.

One request is one run: a model turn, two tools in parallel, a model turn.  The same model, tools and
server (FastAPI on uvicorn with uvloop) as the gateway's suite `run`; no tracing, no retries.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

UPSTREAM = "http://127.0.0.1:18000/v1"
MODEL = os.environ.get("MODEL", "m")
TOOL_S = float(os.environ.get("TOOL_MS", "0")) / 1000
SYSTEM = "You are a helpful assistant that answers questions about weather and time."


async def get_weather(city: str, units: str) -> str:
    """Get the current weather for a city."""
    if TOOL_S:
        await asyncio.sleep(TOOL_S)
    return json.dumps({"city": city, "units": units, "sky": "partly cloudy", "temperature": "18"})


async def get_time(city: str, tz: str) -> str:
    """Get the local time of a city."""
    if TOOL_S:
        await asyncio.sleep(TOOL_S)
    return json.dumps({"city": city, "tz": tz, "time": "14:05"})


def pydantic_ai() -> Callable[[str], Awaitable[str]]:
    """Runs of a pydantic-ai agent."""
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=UPSTREAM, api_key="x"))
    agent = Agent(model, instructions=SYSTEM, tools=[get_weather, get_time])

    async def run(asked: str) -> str:
        return (await agent.run(asked)).output

    return run


def openai_agents() -> Callable[[str], Awaitable[str]]:
    """Runs of an agent of the OpenAI Agents SDK."""
    from agents import (
        Agent,
        OpenAIChatCompletionsModel,
        Runner,
        function_tool,
        set_tracing_disabled,
    )
    from openai import AsyncOpenAI

    set_tracing_disabled(True)
    client = AsyncOpenAI(base_url=UPSTREAM, api_key="x", max_retries=0)
    agent: Any = Agent(
        name="bench",
        instructions=SYSTEM,
        model=OpenAIChatCompletionsModel(model=MODEL, openai_client=client),
        tools=[function_tool(get_weather), function_tool(get_time)],
    )

    async def run(asked: str) -> str:
        return str((await Runner.run(agent, asked)).final_output)

    return run


def langgraph() -> Callable[[str], Awaitable[str]]:
    """Runs of a LangChain agent, which is a LangGraph graph."""
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    # Only in the environment that this runs in, not in the gateway's.
    create_agent: Any = importlib.import_module("langchain.agents").create_agent
    model = ChatOpenAI(model=MODEL, base_url=UPSTREAM, api_key=SecretStr("x"), max_retries=0)
    agent: Any = create_agent(model, [tool(get_weather), tool(get_time)], system_prompt=SYSTEM)

    async def run(asked: str) -> str:
        done = await agent.ainvoke({"messages": [("user", asked)]})
        return str(done["messages"][-1].content)

    return run


class Message(BaseModel):
    """What of a message is read."""

    role: str
    content: str


class Request(BaseModel):
    """What of a request is read."""

    messages: list[Message]


RUN = {"pydantic-ai": pydantic_ai, "openai-agents": openai_agents, "langgraph": langgraph}[
    os.environ["AGENT"]
]()
app = FastAPI()


@app.post("/v1/chat/completions")
async def complete(request: Request) -> dict[str, Any]:
    """One run, in the form of a chat completion."""
    answer = await RUN(request.messages[-1].content)
    message = {"role": "assistant", "content": answer}
    return {
        "id": "chatcmpl-x",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
