"""`openai` for Python, over Chat Completions and over the Responses API."""

from __future__ import annotations

from typing import Any

from tests.clients.conftest import QUESTION, WITH_ADD, Exchange

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}

WEATHER_ITEM: Any = {"type": "function", **WEATHER["function"]}


async def test_chat_streams_an_exchange_with_tools_on_both_sides(exchange: Exchange) -> None:
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    pieces: list[str] = []
    async with exchange.openai() as client:
        while True:
            async with client.chat.completions.stream(
                model="gateway", messages=messages, tools=[WEATHER], extra_body=WITH_ADD
            ) as stream:
                pieces += [event.delta async for event in stream if event.type == "content.delta"]
                answer = (await stream.get_final_completion()).choices[0].message
            messages.append(answer.model_dump(exclude_none=True))
            if not answer.tool_calls:
                break
            for call in answer.tool_calls:
                arguments: Any = call.function.parsed_arguments
                content = exchange.get_weather(**arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    assert len(pieces) > 4
    exchange.check("".join(pieces))


async def test_responses_stream_an_exchange_with_tools_on_both_sides(exchange: Exchange) -> None:
    turn: Any = [{"role": "user", "content": QUESTION}]
    pieces: list[str] = []
    previous: str | None = None
    async with exchange.openai() as client:
        while turn:
            async with client.responses.stream(
                model="gateway",
                input=turn,
                previous_response_id=previous,
                tools=[WEATHER_ITEM],
                extra_body=WITH_ADD,
            ) as stream:
                pieces += [
                    event.delta
                    async for event in stream
                    if event.type == "response.output_text.delta"
                ]
                response = await stream.get_final_response()
            previous, turn = response.id, []
            for item in response.output:
                if item.type == "function_call" and item.name == "get_weather":
                    arguments: Any = item.parsed_arguments
                    output = exchange.get_weather(**arguments)
                    turn.append(
                        {"type": "function_call_output", "call_id": item.call_id, "output": output}
                    )
    assert len(pieces) > 4
    exchange.check("".join(pieces))
