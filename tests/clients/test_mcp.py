"""The official `mcp` client beside `openai`: the app calls the registry's tools itself, at `/mcp`."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent, Tool

from tests.clients.conftest import QUESTION, Exchange
from tests.clients.test_openai import WEATHER_ITEM


def function(tool: Tool) -> Any:
    """A listed tool as one of the app's own."""
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.input_schema,
    }


async def test_it_calls_what_a_streamed_model_asks_for_beside_the_apps_own_tools(
    exchange: Exchange,
) -> None:
    turn: Any = [{"role": "user", "content": QUESTION}]
    pieces: list[str] = []
    previous: str | None = None
    async with (
        httpx2.AsyncClient(verify=False, timeout=60) as http,
        Client(streamable_http_client(f"{exchange.gateway.url}/mcp", http_client=http)) as mcp,
        exchange.openai() as client,
    ):
        listed = [tool for tool in (await mcp.list_tools()).tools if tool.name == "add"]

        async def answered(item: Any) -> str:
            arguments = json.loads(item.arguments)
            if item.name == "get_weather":
                return exchange.get_weather(**arguments)
            [part] = (await mcp.call_tool(item.name, arguments)).content
            assert isinstance(part, TextContent)
            return part.text

        while turn:
            async with client.responses.stream(
                model="gateway",
                input=turn,
                previous_response_id=previous,
                tools=[WEATHER_ITEM, *map(function, listed)],
            ) as stream:
                pieces += [
                    event.delta
                    async for event in stream
                    if event.type == "response.output_text.delta"
                ]
                response = await stream.get_final_response()
            previous = response.id
            turn = [
                {
                    "type": "function_call_output",
                    "call_id": item.call_id,
                    "output": await answered(item),
                }
                for item in response.output
                if item.type == "function_call"
            ]
    assert len(pieces) > 4
    exchange.check("".join(pieces))
    models = [run["model"] for run in (await exchange.gateway.http.get("/v1/runs")).json()["data"]]
    assert models == ["gateway", "gateway", "none", "gateway"]
