"""`litellm` as a client, streaming, the gateway being an OpenAI-compatible provider to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.conftest import QUESTION, WITH_ADD, Exchange
from tests.clients.test_openai import WEATHER

pytestmark = pytest.mark.filterwarnings("ignore")  # LiteLLM's own, of many kinds


async def test_it_streams_an_exchange_with_tools_on_both_sides(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    pieces: list[str] = []
    while True:
        stream: Any = await litellm.acompletion(
            model="openai/gateway",
            api_base=exchange.base_url,
            api_key="none",
            messages=messages,
            tools=[WEATHER],
            stream=True,
            ssl_verify=False,
            extra_body=WITH_ADD,
        )
        chunks = [chunk async for chunk in stream]
        pieces += [chunk.choices[0].delta.content or "" for chunk in chunks]
        whole: Any = litellm.stream_chunk_builder(chunks, messages)
        answer = whole.choices[0].message
        messages.append(answer.model_dump(exclude_none=True))
        if not answer.tool_calls:
            break
        for call in answer.tool_calls:
            content = exchange.get_weather(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    assert len([piece for piece in pieces if piece]) > 4
    exchange.check("".join(pieces))
