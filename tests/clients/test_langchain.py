"""LangChain's `ChatOpenAI` in a LangGraph that calls tools, streaming."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from pydantic import SecretStr

from tests.clients.conftest import QUESTION, WITH_ADD, Exchange


@pytest.mark.parametrize("responses", [False, True])
async def test_a_graph_streams_an_exchange_with_tools_on_both_sides(
    exchange: Exchange, responses: bool
) -> None:
    tools = [StructuredTool.from_function(exchange.get_weather)]
    async with httpx.AsyncClient(verify=False, timeout=20) as http:
        model = ChatOpenAI(
            model="gateway",
            base_url=exchange.base_url,
            api_key=SecretStr("none"),
            http_async_client=http,
            extra_body=WITH_ADD,
            stream_usage=True,
            use_responses_api=responses,
        ).bind_tools(tools)

        async def ask(state: MessagesState) -> dict[str, list[BaseMessage]]:
            return {"messages": [await model.ainvoke(state["messages"])]}

        builder: StateGraph[MessagesState] = StateGraph(MessagesState)
        builder.add_node("ask", ask)
        builder.add_node("tools", ToolNode(tools))
        builder.add_edge(START, "ask")
        builder.add_conditional_edges("ask", tools_condition)
        builder.add_edge("tools", "ask")
        graph = builder.compile()
        pieces: list[str] = []
        final: dict[str, Any] = {}
        begin: MessagesState = {"messages": [HumanMessage(QUESTION)]}
        parts: AsyncIterator[Any] = graph.astream(begin, stream_mode=["messages", "values"])
        async for kind, part in parts:
            if kind == "values":
                final = part
            elif isinstance(part[0], AIMessageChunk):
                pieces.append(part[0].text)
    answer = final["messages"][-1]
    assert isinstance(answer, AIMessage)
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 110
    assert len([piece for piece in pieces if piece]) > 4
    exchange.check("".join(pieces))
