"""The official `openai` client, unmodified, against a served gateway."""

from __future__ import annotations

import asyncio
import json
from itertools import repeat
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from policies.decision import Deny
from policies.policy import Policy
from routing.backends.scripted import Call, Say
from routing.errors import (
    BackendOverloaded,
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
STRICT: dict[str, Any] = WEATHER["function"] | {"strict": True}
USER: dict[str, Any] = {"role": "user", "content": "How is the weather in Lyon?"}


async def collect(stream: Any) -> list[ChatCompletionChunk]:
    return [chunk async for chunk in stream]


def streamed_text(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


async def test_an_answer_arrives_whole(serve: Any) -> None:
    gateway = await serve(["Hello to you."])
    answer: ChatCompletion = await gateway.openai.chat.completions.create(
        model="gateway", messages=[USER]
    )
    assert answer.choices[0].message.content == "Hello to you."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "gateway"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 110
    assert answer.model_extra is not None
    assert answer.model_extra["gateway"]["steps"] == 1
    assert answer.model_extra["gateway"]["calls"] == 0


async def test_an_answer_arrives_in_pieces(serve: Any) -> None:
    gateway = await serve(["Hello to you, whoever you are."])
    chunks = await collect(
        await gateway.openai.chat.completions.create(model="gateway", messages=[USER], stream=True)
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert streamed_text(chunks) == "Hello to you, whoever you are."
    assert len(chunks) > 4
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].model_extra is not None
    assert chunks[-1].model_extra["gateway"]["run_id"].startswith("run_")


async def test_usage_is_streamed_last_when_it_is_asked_for(serve: Any) -> None:
    gateway = await serve(["Hi."])
    chunks = await collect(
        await gateway.openai.chat.completions.create(
            model="gateway", messages=[USER], stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 10
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_a_registered_tool_runs_here_and_the_client_sees_the_answer(serve: Any) -> None:
    gateway = await serve([Call("add", {"a": 17, "b": 25}), "It is 42."])
    answer = await gateway.openai.chat.completions.create(model="gateway", messages=[USER])
    assert answer.choices[0].message.content == "It is 42."
    assert answer.choices[0].message.tool_calls is None
    assert gateway.tools.log == ["add"]
    assert answer.model_extra["gateway"]["calls"] == 1


async def test_a_clients_tool_goes_to_the_client_and_its_result_comes_back(serve: Any) -> None:
    gateway = await serve([Call("get_weather", {"city": "Lyon"}), "Sunny in Lyon."])
    messages: list[Any] = [USER]
    first = await gateway.openai.chat.completions.create(
        model="gateway", messages=messages, tools=[WEATHER]
    )
    assert first.choices[0].finish_reason == "tool_calls"
    [call] = first.choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Lyon"}
    messages.append(first.choices[0].message)
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
    second = await gateway.openai.chat.completions.create(
        model="gateway", messages=messages, tools=[WEATHER]
    )
    assert second.choices[0].message.content == "Sunny in Lyon."
    [_, made, told] = gateway.intermediary.turns[-1].messages
    assert made.tool_calls[0].id == told.tool_call_id == call.id


async def test_a_clients_tool_call_is_streamed_once_and_whole(serve: Any) -> None:
    gateway = await serve([Say("Let me look.", calls=[Call("get_weather", {"city": "Lyon"})])])
    chunks = await collect(
        await gateway.openai.chat.completions.create(
            model="gateway", messages=[USER], tools=[WEATHER], stream=True
        )
    )
    [delta] = [c.choices[0].delta for c in chunks if c.choices and c.choices[0].delta.tool_calls]
    [call] = delta.tool_calls or []
    assert call.index == 0
    assert call.function is not None
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments or "") == {"city": "Lyon"}
    assert streamed_text(chunks) == "Let me look."
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_both_kinds_at_once_and_the_model_remembers_what_the_client_never_saw(
    serve: Any,
) -> None:
    both = [Call("add", {"a": 1, "b": 2}), Call("get_weather", {"city": "Lyon"})]
    gateway = await serve([both, "Three, and sunny."])
    extra = {"gateway": {"tools": ["add"]}}
    messages: list[Any] = [USER]
    first = await gateway.openai.chat.completions.create(
        model="gateway", messages=messages, tools=[WEATHER], extra_body=extra
    )
    [call] = first.choices[0].message.tool_calls
    assert call.function.name == "get_weather"
    assert gateway.tools.log == ["add"]
    messages.append(first.choices[0].message)
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
    second = await gateway.openai.chat.completions.create(
        model="gateway", messages=messages, tools=[WEATHER], extra_body=extra
    )
    assert second.choices[0].message.content == "Three, and sunny."
    remembered = gateway.intermediary.turns[-1].messages
    assert [message.role for message in remembered] == ["user", "assistant", "tool", "tool"]
    assert [made.function.name for made in remembered[1].tool_calls] == ["add", "get_weather"]
    assert {result.tool_call_id for result in remembered[2:]} == {
        made.id for made in remembered[1].tool_calls
    }


class Weather(BaseModel):
    city: str
    sunny: bool


async def test_a_structured_answer_is_parsed_by_the_client(serve: Any) -> None:
    gateway = await serve(['{"city": "Lyon", "sunny": true}'])
    answer = await gateway.openai.chat.completions.parse(
        model="gateway", messages=[USER], response_format=Weather
    )
    assert answer.choices[0].message.parsed == Weather(city="Lyon", sunny=True)
    assert gateway.intermediary.turns[0].output_schema["required"] == ["city", "sunny"]


async def test_the_clients_own_stream_helper_puts_the_answer_together(serve: Any) -> None:
    gateway = await serve([Say("Let me look.", calls=[Call("get_weather", {"city": "Lyon"})])])
    async with gateway.openai.chat.completions.stream(
        model="gateway", messages=[USER], tools=[WEATHER | {"function": STRICT}]
    ) as stream:
        kinds = [event.type async for event in stream]
        answer = await stream.get_final_completion()
    assert "content.delta" in kinds
    assert "tool_calls.function.arguments.done" in kinds
    assert answer.choices[0].message.content == "Let me look."
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"


async def test_many_conversations_at_once_stay_apart(serve: Any) -> None:
    gateway = await serve(repeat(lambda turn: f"You said {turn.messages[-1].content}."))

    async def ask(number: int, *, stream: bool) -> str:
        create = gateway.openai.chat.completions.create
        messages: Any = [{"role": "user", "content": str(number)}]
        answer = await create(model="gateway", messages=messages, stream=stream)
        if stream:
            return streamed_text(await collect(answer))
        return answer.choices[0].message.content

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(n, stream=n % 2 == 0)) for n in range(40)]
    assert [task.result() for task in asked] == [f"You said {n}." for n in range(40)]


async def test_the_models_are_listed(serve: Any) -> None:
    gateway = await serve([], expert=[])
    listed = [model.id async for model in gateway.openai.models.list()]
    assert listed == ["gateway", "intermediary", "expert"]
    assert (await gateway.openai.models.retrieve("expert")).serves == "large"
    with pytest.raises(openai.NotFoundError):
        await gateway.openai.models.retrieve("gpt-4")


async def test_an_escalation_leaves_its_receipt_in_the_answer(serve: Any) -> None:
    gateway = await serve(["unused"], expert=["The expert says 42."])
    answer = await gateway.openai.chat.completions.create(
        model="gateway", messages=[USER], extra_body={"gateway": {"escalation": "always"}}
    )
    assert answer.choices[0].message.content == "The expert says 42."
    [receipt] = answer.model_extra["gateway"]["escalations"]
    assert receipt["model"] == "large"
    assert receipt["reason"] == "always"
    assert answer.model_extra["gateway"]["cost_usd"] == pytest.approx(0.00026)


class Forbids(Policy):
    def on_request(self, subject: Any, messages: Any) -> Deny:
        return Deny("not on Sundays", "sundays")


@pytest.mark.parametrize(
    ("failure", "raised", "code"),
    [
        (BackendOverloaded("full", retry_after_s=7), openai.RateLimitError, "model_overloaded"),
        (BackendUnavailable("refused"), openai.InternalServerError, "model_unavailable"),
        (BackendTimeout("slow"), openai.InternalServerError, "model_timeout"),
        (BackendProtocolError("cut"), openai.InternalServerError, "model_protocol_error"),
        (ContextTooLong("9000 of 8192"), openai.BadRequestError, "context_length_exceeded"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_failing_model_is_the_clients_own_exception(
    serve: Any, failure: Exception, raised: type[openai.APIStatusError], code: str, stream: bool
) -> None:
    gateway = await serve([failure] * 4)
    with pytest.raises(raised) as caught:
        await gateway.openai.chat.completions.create(
            model="gateway", messages=[USER], stream=stream
        )
    assert caught.value.code == code
    run_id = caught.value.response.headers["x-gateway-run-id"]
    assert (await gateway.run(run_id))["status"] == "failed"
    if isinstance(failure, BackendOverloaded):
        assert caught.value.response.headers["retry-after"] == "7"


async def test_a_denied_request_is_a_permission_error(serve: Any) -> None:
    gateway = await serve([], policies=Forbids())
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await gateway.openai.chat.completions.create(model="gateway", messages=[USER])
    assert caught.value.code == "sundays"
    assert "not on Sundays" in caught.value.message


async def test_an_unknown_model_is_not_found(serve: Any) -> None:
    gateway = await serve([])
    for model in ("gpt-4o", "expert"):
        with pytest.raises(openai.NotFoundError) as caught:
            await gateway.openai.chat.completions.create(model=model, messages=[USER])
        assert caught.value.code == "model_not_found"


async def test_a_bad_message_is_a_bad_request_that_names_it(serve: Any) -> None:
    gateway = await serve([])
    orphan: Any = {"role": "tool", "tool_call_id": "x", "content": ""}
    with pytest.raises(openai.BadRequestError) as caught:
        await gateway.openai.chat.completions.create(model="gateway", messages=[USER, orphan])
    assert caught.value.param == "messages[1].tool_call_id"
