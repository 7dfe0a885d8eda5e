"""The vLLM backend on real vLLM with a model of random weights, and with the embedded one."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from routing.backend import Completion, NamedTool, Sampling, TextDelta, Turn
from routing.backends.vllm import VllmBackend
from routing.engine_load import read_metrics
from routing.errors import BackendRejected, ContextTooLong
from routing.grammar.lark import CALLS_TOKEN_ID
from tests.vllm.engine import Engine, eventually
from tests.vllm.schemas import tool

pytestmark = pytest.mark.vllm
RUNNING = "vllm:num_requests_running"


def a_turn(*tools: str, max_tokens: int = 200, seed: int = 1, **fields: Any) -> Turn:
    return Turn(
        messages=[UserMessage(content="What is the weather in Paris?")],
        tools=[tool(name) for name in tools],
        sampling=Sampling(temperature=1.0, max_tokens=max_tokens, seed=seed),
        **fields,
    )


async def played(backend: VllmBackend, turn: Turn) -> tuple[str, Completion]:
    items = [item async for item in backend.stream(turn)]
    completion = items[-1]
    assert isinstance(completion, Completion)
    text = "".join(item.text for item in items[:-1] if isinstance(item, TextDelta))
    assert text == completion.text
    return text, completion


async def test_it_is_ready_and_tells_its_window(tiny: VllmBackend) -> None:
    assert await tiny.ready()
    assert tiny.context_tokens == 8192


async def test_streamed_and_not_streamed_say_the_same(
    tiny: VllmBackend, tiny_engine: Engine
) -> None:
    turn = a_turn("plain_text", tool_choice="none", max_tokens=40)
    text, completion = await played(tiny, turn)
    body = tiny._body(turn, tiny._constraint(turn)) | {"stream": False}
    del body["stream_options"]
    url = f"{tiny_engine.base_url}/chat/completions"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        whole = await response.json()
    assert text == whole["choices"][0]["message"]["content"]
    assert completion.finish_reason == whole["choices"][0]["finish_reason"]
    assert completion.usage.completion_tokens == whole["usage"]["completion_tokens"]


@pytest.mark.parametrize("constrain", [True, False])
@pytest.mark.parametrize("choice", ["required", NamedTool("bounded_integer")])
async def test_a_forced_choice_brings_calls_and_no_text(
    tiny: VllmBackend, choice: Any, constrain: bool
) -> None:
    turn = a_turn("bounded_integer", "enum", tool_choice=choice, constrain=constrain)
    text, completion = await played(tiny, turn)
    assert text == ""
    assert completion.calls
    if isinstance(choice, NamedTool):
        assert {call.function.name for call in completion.calls} == {choice.name}


async def test_required_is_bounded_under_the_gateways_grammar(tiny: VllmBackend) -> None:
    """HARDCASES 21: vLLM's own `required` is an unbounded array."""
    for seed in range(5):
        turn = a_turn("bounded_integer", tool_choice="required", max_calls=4, seed=seed)
        _, completion = await played(tiny, turn)
        assert 1 <= len(completion.calls) <= 4
        assert completion.finish_reason == "tool_calls"


async def test_parallel_calls_come_with_their_own_ids_and_one_when_switched_off(
    tiny: VllmBackend,
) -> None:
    counts: set[int] = set()
    for seed in range(8):
        turn = a_turn("bounded_integer", tool_choice="required", max_calls=3, seed=seed)
        _, completion = await played(tiny, turn)
        counts.add(len(completion.calls))
        assert len({call.id for call in completion.calls}) == len(completion.calls)
    assert max(counts) > 1
    turn = a_turn("bounded_integer", tool_choice="required", parallel_tool_calls=False)
    assert len((await played(tiny, turn))[1].calls) == 1


async def test_none_under_the_grammar_never_calls(tiny: VllmBackend) -> None:
    for seed in range(5):
        turn = a_turn("bounded_integer", tool_choice="none", max_tokens=20, seed=seed)
        text, completion = await played(tiny, turn)
        assert text
        assert completion.calls == ()


@pytest.mark.parametrize("constrain", [True, False])
async def test_auto_brings_text_or_calls_and_shows_no_call_as_text(
    tiny: VllmBackend, constrain: bool
) -> None:
    for seed in range(10):
        turn = a_turn("bounded_integer", max_tokens=60, seed=seed, constrain=constrain)
        text, completion = await played(tiny, turn)
        assert text or completion.calls or completion.tail or not constrain
        assert "[TOOL_CALLS]" not in text


async def test_length_in_mid_call_leaves_the_cut_call_raw(tiny: VllmBackend) -> None:
    turn = a_turn("array_of_objects", tool_choice="required", max_tokens=30)
    text, completion = await played(tiny, turn)
    assert text == ""
    assert completion.finish_reason == "length"
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(completion.calls[-1].function.arguments)


async def test_logprobs_cover_every_token_and_ids_tell_the_real_marker(tiny: VllmBackend) -> None:
    turn = a_turn("bounded_integer", tool_choice="required", logprobs=True)
    _, completion = await played(tiny, turn)
    assert len(completion.logprobs) == completion.usage.completion_tokens
    assert completion.logprobs[0].token_id == CALLS_TOKEN_ID
    assert all(token.logprob <= 0 and token.alternatives for token in completion.logprobs)


async def test_text_that_must_satisfy_a_schema_does(tiny: VllmBackend) -> None:
    schema = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}
    text, _ = await played(tiny, a_turn(output_schema={**schema, "additionalProperties": False}))
    assert json.loads(text)["n"] in {1, 2}


async def test_a_prompt_beyond_the_window_is_told_apart(tiny: VllmBackend) -> None:
    with pytest.raises(ContextTooLong):
        await played(tiny, Turn(messages=[UserMessage(content="hello world " * 9000)]))


async def test_conversations_of_every_order_are_accepted(tiny: VllmBackend) -> None:
    """HARDCASES 15, and arguments in the history that are no JSON."""
    call = ToolCall(id="abcdefghi", function=FunctionCall(name="enum", arguments='{"unit": '))
    result = ToolMessage(content="4.6", tool_call_id="abcdefghi")
    user = UserMessage(content="u")
    for messages in (
        [user, AssistantMessage(content="let me see", tool_calls=[call]), result],
        [user, AssistantMessage(content="x"), SystemMessage(content="s"), user],
        [user, AssistantMessage(tool_calls=[call]), result, user],
        [user, AssistantMessage(content=""), user, user],
    ):
        turn = Turn(messages=messages, tools=[tool("enum")], sampling=Sampling(max_tokens=3))
        await played(tiny, turn)


async def test_a_schema_that_the_engine_refuses_costs_the_grammar_and_not_the_turn(
    tiny: VllmBackend,
) -> None:
    impossible = tool("plain_text").model_copy(deep=True)
    impossible.function.parameters["properties"] = {"city": {"type": "string", "enum": []}}
    turn = Turn(
        messages=[UserMessage(content="u")], tools=[impossible], sampling=Sampling(max_tokens=5)
    )
    _, completion = await played(tiny, turn)
    assert completion.usage.completion_tokens > 0


async def test_a_request_that_the_engine_refuses_for_another_reason_is_rejected(
    tiny_engine: Engine,
) -> None:
    backend = VllmBackend("small", "another-model", tiny_engine.base_url, context_tokens=1)
    try:
        with pytest.raises(BackendRejected):
            await played(backend, a_turn())
    finally:
        await backend.aclose()


async def test_closing_the_stream_stops_the_engine(tiny: VllmBackend, tiny_engine: Engine) -> None:
    turn = a_turn("plain_text", tool_choice="none", max_tokens=7000)
    async with aclosing(tiny.stream(turn)) as stream:
        await anext(stream)
        assert await asyncio.to_thread(tiny_engine.metric, RUNNING) == 1
    await eventually(tiny_engine, RUNNING, 0)


async def test_cancelling_the_reader_stops_the_engine(
    tiny: VllmBackend, tiny_engine: Engine
) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in tiny.stream(a_turn("plain_text", tool_choice="none", max_tokens=7000)):
            begun.set()

    reader = asyncio.create_task(read())
    await asyncio.wait_for(begun.wait(), 30)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await eventually(tiny_engine, RUNNING, 0)


async def test_its_load_is_read_from_its_metrics(tiny: VllmBackend) -> None:
    reading = read_metrics(await tiny.metrics(10), at=0)
    assert reading.kv_cache is not None
    assert 0 <= reading.kv_cache <= 1
    assert reading.queued_s is not None
