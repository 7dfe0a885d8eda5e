"""The vLLM backend over real sockets: what it asks, what it reads, how it fails and lets go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall
from tenacity import AsyncRetrying

from routing.backend import NamedTool, Sampling, TextDelta, Turn
from routing.backends.openai_http import HttpTimeouts
from routing.backends.retrying import Retries
from routing.backends.vllm import VllmBackend
from routing.errors import (
    BackendError,
    BackendOverloaded,
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)
from tests.routing.http1 import wire
from tests.routing.openai_stub import (
    DONE,
    HELLO,
    TOOL,
    Reply,
    Stub,
    a_turn,
    call,
    calls,
    event,
    finish,
    played,
    running,
    text,
    usage,
)

CALL = (calls(call(0, "abcdefghi", "get_weather", '{"city": "Paris"}')), finish("tool_calls"), DONE)


@asynccontextmanager
async def backend_on(stub: Stub, **options: Any) -> AsyncGenerator[VllmBackend, None]:
    options = {"context_tokens": 8192, "retries": Retries(1), **options}
    backend = VllmBackend("small", "m", stub.url, **options)
    try:
        yield backend
    finally:
        await backend.aclose()


async def asked(turn: Turn, **options: Any) -> dict[str, Any]:
    async with running() as stub, backend_on(stub, **options) as backend:
        await played(backend, turn)
        return stub.requests[0]


async def test_text_is_streamed_as_it_comes_and_completed() -> None:
    rest = asyncio.Event()
    async with running(Reply(HELLO, holds={1: rest}), Reply()) as stub, backend_on(stub) as backend:
        async with aclosing(backend.stream(a_turn())) as stream:
            assert await anext(stream) == TextDelta("Hel")
            rest.set()
            assert await anext(stream) == TextDelta("lo")
        _, completion = await played(backend, a_turn())
        assert (completion.text, completion.finish_reason, completion.model) == (
            "Hello",
            "stop",
            "m",
        )
        assert completion.usage.total_tokens == 10


async def test_what_arrives_together_goes_on_together_and_before_what_was_wrong_behind_it() -> None:
    together = text("Hel") + text("lo")
    for wrong, told in (
        (b"data: no JSON\n\n", "no JSON"),
        (event({"error": {"message": "gone"}}), "gone"),
        (event({"choices": [], "usage": 7}), "usage"),
    ):
        async with (
            running(Reply([together + wrong])) as stub,
            backend_on(stub) as backend,
            aclosing(backend.stream(a_turn())) as stream,
        ):
            assert await anext(stream) == TextDelta("Hello")
            with pytest.raises(BackendError, match=told):
                await anext(stream)


async def test_it_asks_for_what_the_turn_says_and_leaves_the_rest_to_the_engine() -> None:
    body = await asked(
        a_turn(sampling=Sampling(temperature=0.0, max_tokens=5, stop=("x",), seed=1))
    )
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "max_tokens": 5,
        "stop": ["x"],
        "seed": 1,
    }


@pytest.mark.parametrize(
    ("choice", "wire", "start"),
    [
        ("auto", "auto", "start: content | fcalls"),
        ("none", "none", "start: content\n"),
        ("required", "required", "start: fcalls"),
        (
            NamedTool("get_weather"),
            {"type": "function", "function": {"name": "get_weather"}},
            "start: fcalls",
        ),
    ],
)
async def test_the_tool_choice_is_asked_for_and_held_by_the_grammar(
    choice: Any, wire: Any, start: str
) -> None:
    body = await asked(a_turn(tools=[TOOL], tool_choice=choice))
    assert body["tool_choice"] == wire
    assert body["structured_outputs"]["grammar"].startswith(start)
    assert body["return_token_ids"] is True


async def test_one_call_at_most_when_parallel_calls_are_off() -> None:
    body = await asked(a_turn(tools=[TOOL], parallel_tool_calls=False))
    assert body["parallel_tool_calls"] is False
    assert '"[" call "]"' in body["structured_outputs"]["grammar"]


@pytest.mark.parametrize(
    ("switch", "turn"), [({"constrain": False}, {}), ({}, {"constrain": False})]
)
async def test_the_grammar_can_be_switched_off_by_model_and_by_turn(
    switch: dict[str, Any], turn: dict[str, Any]
) -> None:
    body = await asked(a_turn(tools=[TOOL], tool_choice="required", **turn), **switch)
    assert "structured_outputs" not in body
    assert body["tool_choice"] == "required"


async def test_a_schema_for_the_text_goes_into_the_grammar_or_the_response_format() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    body = await asked(a_turn(output_schema=schema))
    assert body["response_format"]["json_schema"]["schema"] == schema
    body = await asked(a_turn(output_schema=schema, tools=[TOOL]))
    assert "response_format" not in body
    assert 'content: %json {"type":"object"' in body["structured_outputs"]["grammar"]


async def test_logprobs_are_asked_for_when_wanted_and_possible() -> None:
    assert (await asked(a_turn(logprobs=True)))["top_logprobs"] == 5
    assert (await asked(a_turn(logprobs=True, top_logprobs=20)))["top_logprobs"] == 20
    assert "logprobs" not in await asked(a_turn(logprobs=True), logprobs=False)
    body = await asked(a_turn(logprobs=True, tools=[TOOL]), token_ids=False)
    assert "return_token_ids" not in body


async def test_the_api_key_and_the_extra_body_are_sent() -> None:
    async with running() as stub, backend_on(stub, api_key="k", extra_body={"x": 1}) as backend:
        await played(backend, a_turn())
        assert stub.headers[0]["Authorization"] == "Bearer k"
        assert stub.requests[0]["x"] == 1


async def test_conversations_that_mistral_would_refuse_are_arranged() -> None:
    made = ToolCall(id="abcdefghi", function=FunctionCall(name="f", arguments="{}"))
    messages = [
        UserMessage(content="u"),
        AssistantMessage(content="let me see", tool_calls=[made]),
        ToolMessage(content="4.6", tool_call_id="abcdefghi"),
        AssistantMessage(content=""),
        SystemMessage(content="one"),
        SystemMessage(content="two"),
        UserMessage(content="v"),
    ]
    wire = (await asked(Turn(messages=messages)))["messages"]
    assert [message["role"] for message in wire] == ["system", "user", "assistant", "tool", "user"]
    assert wire[0]["content"] == "one\n\ntwo"
    assert wire[2]["content"] is None
    wire = (await asked(Turn(messages=messages), strict_roles=False))["messages"]
    assert len(wire) == 7
    assert wire[2 - 1]["content"] == "let me see"


async def test_a_raw_call_list_in_the_content_under_a_forced_choice_is_calls_and_never_shown() -> (
    None
):
    """HARDCASES 21: what vLLM makes of `required` when the model runs into `max_tokens`."""
    raw = '[{"name":"get_weather","arguments":{"city":"Paris"}},{"name":"get_weather","argu'
    parts = [*(text(raw[at : at + 5]) for at in range(0, len(raw), 5)), finish("length"), DONE]
    async with running(Reply(parts)) as stub, backend_on(stub) as backend:
        shown, completion = await played(backend, a_turn(tools=[TOOL], tool_choice="required"))
    assert shown == ""
    assert completion.calls[0].function.arguments == '{"city":"Paris"}'
    assert completion.finish_reason == "length"
    assert completion.calls[1].function.arguments != "{}"


async def test_an_answer_under_a_forced_choice_that_the_engine_ignored_is_text() -> None:
    async with running() as stub, backend_on(stub) as backend:
        shown, _ = await played(backend, a_turn(tools=[TOOL], tool_choice="required"))
    assert shown == "Hello"


async def test_a_grammar_that_the_engine_refuses_is_left_out_from_then_on() -> None:
    refusal = Reply([b'{"error": {"message": "Grammar error"}}'], status=400)
    async with running(refusal, Reply(CALL)) as stub, backend_on(stub) as backend:
        turn = a_turn(tools=[TOOL])
        for _ in range(2):
            _, completion = await played(backend, turn)
            assert completion.calls[0].id == "abcdefghi"
    assert ["structured_outputs" in request for request in stub.requests] == [True, False, False]


@pytest.mark.parametrize("begins", [False, True])
async def test_a_grammar_that_is_refused_inside_the_stream_is_left_out_while_nothing_was_said(
    begins: bool,
) -> None:
    refusal = event({"error": {"message": "Grammar error", "code": 400}})
    said = text("Hel") if begins else text("")
    async with running(Reply([said + refusal]), Reply()) as stub, backend_on(stub) as backend:
        if begins:
            with pytest.raises(BackendRejected, match="Grammar"):
                await played(backend, a_turn(tools=[TOOL]))
        else:
            assert (await played(backend, a_turn(tools=[TOOL])))[0] == "Hello"
    assert len(stub.requests) == (1 if begins else 2)


async def test_a_schema_that_the_engine_refuses_is_left_out_for_the_answer_is_judged_anyway() -> (
    None
):
    refusal = Reply([b'{"error": {"message": "unsupported keyword"}}'], status=400)
    async with running(refusal, Reply(CALL)) as stub, backend_on(stub) as backend:
        for _ in range(2):
            await played(backend, a_turn(output_schema={"type": "object"}))
    assert ["response_format" in request for request in stub.requests] == [True, False, False]


async def test_a_bad_request_is_not_taken_for_a_refused_grammar_for_good() -> None:
    refusal = Reply([b'{"error": {"message": "bad message"}}'], status=400)
    async with running(refusal, refusal, Reply(CALL)) as stub, backend_on(stub) as backend:
        with pytest.raises(BackendRejected, match="bad message"):
            await played(backend, a_turn(tools=[TOOL]))
        await played(backend, a_turn(tools=[TOOL]))
    assert "structured_outputs" in stub.requests[2]


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (400, "This model's maximum context length is 8192 tokens.", ContextTooLong),
        (400, "bad", BackendRejected),
        (401, "who", BackendRejected),
        (404, "no such model", BackendRejected),
        (429, "slow down", BackendOverloaded),
        (500, "boom", BackendUnavailable),
        (503, "full", BackendOverloaded),
        (504, "gateway", BackendTimeout),
    ],
)
async def test_a_status_is_a_typed_error(status: int, message: str, error: type[Exception]) -> None:
    body = f'{{"error": {{"message": "{message}"}}}}'.encode()
    async with running(Reply([body], status=status)) as stub, backend_on(stub) as backend:
        with pytest.raises(error, match=message[:8]) as raised:
            await played(backend, a_turn())
    assert type(raised.value) is error
    assert raised.value.backend == "small"  # type: ignore[attr-defined]


async def test_overload_is_waited_out_as_the_server_says() -> None:
    busy = Reply([b"{}"], status=429, headers={"Retry-After": "0"})
    async with running(busy, Reply()) as stub, backend_on(stub, retries=Retries(2)) as backend:
        assert (await played(backend, a_turn()))[0] == "Hello"
    assert len(stub.requests) == 2


async def test_a_longer_wait_than_allowed_is_not_begun() -> None:
    busy = Reply([b"{}"], status=503, headers={"Retry-After": "3600"})
    async with running(busy) as stub, backend_on(stub, retries=Retries(3)) as backend:
        with pytest.raises(BackendOverloaded) as raised:
            await played(backend, a_turn())
    assert raised.value.retry_after_s == 3600
    assert len(stub.requests) == 1


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    busy = Reply([b"{}"], status=429, headers={"Retry-After": "5"})
    deadline = asyncio.get_running_loop().time() + 2
    async with running(busy) as stub, backend_on(stub, retries=Retries(3)) as backend:
        with pytest.raises(BackendOverloaded):
            await played(backend, a_turn(deadline=deadline))
    assert len(stub.requests) == 1


async def test_a_failed_answer_is_not_asked_for_again() -> None:
    async with running(Reply([b"{}"], status=500)) as stub:
        async with backend_on(stub, retries=Retries(3)) as backend:
            with pytest.raises(BackendUnavailable):
                await played(backend, a_turn())
        assert len(stub.requests) == 1


async def test_a_stream_cut_in_the_middle_is_not_asked_for_again() -> None:
    async with running(Reply([text("Hel")], cut=True)) as stub:
        async with backend_on(stub, retries=Retries(3)) as backend:
            with pytest.raises(BackendProtocolError, match="cut"):
                await played(backend, a_turn())
        assert len(stub.requests) == 1


async def test_a_packed_answer_is_no_answer_since_it_was_not_asked_for() -> None:
    packed = Reply(headers={"Content-Encoding": "gzip"})
    async with running(packed) as stub, backend_on(stub) as backend:
        with pytest.raises(BackendProtocolError, match="packed \\(gzip\\)"):
            await played(backend, a_turn())
    assert "Accept-Encoding" not in stub.headers[0]


async def test_nobody_listening_is_unavailable() -> None:
    async with running() as stub:
        url = stub.url
    backend = VllmBackend("small", "m", url, context_tokens=1, retries=Retries(2, max_wait_s=5))
    with pytest.raises(BackendUnavailable, match="no connection"):
        await played(backend, a_turn())
    assert not await backend.ready()
    await backend.aclose()


@pytest.mark.parametrize("parts", [[b"data: {oops\n\n"], [b"data: [1]\n\n"], [b"data: 3\n\n"], []])
async def test_what_is_not_the_protocol_is_a_protocol_error(parts: list[bytes]) -> None:
    async with running(Reply(parts)) as stub, backend_on(stub) as backend:
        with pytest.raises(BackendProtocolError):
            await played(backend, a_turn())


async def test_an_engine_that_dies_in_the_middle_says_so_inside_the_stream() -> None:
    dead = event({"error": {"message": "EngineCore encountered an issue", "code": 500}})
    async with running(Reply([text("Hel"), dead, DONE])) as stub, backend_on(stub) as backend:
        with pytest.raises(BackendUnavailable, match="EngineCore"):
            await played(backend, a_turn())


@pytest.mark.parametrize("held", [0, 1])
async def test_a_token_that_does_not_come_is_a_timeout_and_the_engine_is_told(held: int) -> None:
    reply = Reply([text("Hel"), text("lo")], holds={held: asyncio.Event()})
    quick = HttpTimeouts(idle_s=0.05)
    async with running(reply) as stub, backend_on(stub, timeouts=quick) as backend:
        with pytest.raises(BackendTimeout, match="in time"):
            await played(backend, a_turn())
        await asyncio.wait_for(stub.dropped.wait(), 5)


async def test_the_deadline_bounds_the_whole_stream_however_fast_it_drips() -> None:
    parts = [text("x")] * 100_000
    async with running(Reply(parts)) as stub, backend_on(stub) as backend:
        deadline = asyncio.get_running_loop().time() + 0.2
        with pytest.raises(BackendTimeout):
            await played(backend, a_turn(deadline=deadline))
        await asyncio.wait_for(stub.dropped.wait(), 5)


async def test_closing_the_stream_reaches_the_engine() -> None:
    reply = Reply([text("Hel"), text("lo")], holds={1: asyncio.Event()})
    async with running(reply) as stub, backend_on(stub) as backend:
        async with aclosing(backend.stream(a_turn())) as stream:
            assert await anext(stream) == TextDelta("Hel")
        await asyncio.wait_for(stub.dropped.wait(), 5)


async def test_cancelling_the_reader_reaches_the_engine_before_the_first_token() -> None:
    reply = Reply([text("Hel")], holds={0: asyncio.Event()})
    async with running(reply) as stub, backend_on(stub) as backend:
        reader = asyncio.create_task(played(backend, a_turn()))
        await stub.asked.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await asyncio.wait_for(stub.dropped.wait(), 5)


async def test_the_window_is_learnt_from_the_engine_once() -> None:
    async with running() as stub, backend_on(stub, context_tokens=None) as backend:
        stub.models = [{"id": "other", "max_model_len": 1}, {"id": "m", "max_model_len": 4096}]
        assert backend.context_tokens == 8192
        await played(backend, a_turn())
        assert backend.context_tokens == 4096


async def test_a_configured_window_stands() -> None:
    async with running() as stub, backend_on(stub, context_tokens=100) as backend:
        stub.models = [{"id": "m", "max_model_len": 4096}]
        assert await backend.ready()
        assert backend.context_tokens == 100


async def test_an_unhealthy_engine_is_not_ready() -> None:
    async with running() as stub, backend_on(stub) as backend:
        assert await backend.ready()
        stub.healthy = False
        assert not await backend.ready()


async def test_an_engine_that_sends_elsewhere_is_neither_followed_nor_ready() -> None:
    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await wire.asked(reader)
            writer.write(
                b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /x\r\ncontent-length: 2\r\n\r\n{}"
            )

    async with wire.playing(elsewhere) as server:
        backend = VllmBackend("small", "m", f"http://127.0.0.1:{server.port}/v1")
        assert not await backend.ready()
        with pytest.raises(BackendRejected, match="HTTP 307"):
            await played(backend, a_turn())
        await backend.aclose()


async def test_connections_are_used_again() -> None:
    reply = Reply([text("a"), finish("stop"), usage(), DONE])
    async with running(reply) as stub, backend_on(stub) as backend:
        for _ in range(3):
            await played(backend, a_turn())
    assert len(stub.clients) == 1


async def test_a_kept_connection_that_the_engine_closed_costs_no_pause() -> None:
    served, over = 0, asyncio.Semaphore(0)

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, say that more may come, and hang up on the next."""
        nonlocal served
        served += 1
        await reader.readuntil(b"\r\n\r\n")
        body = b"".join(HELLO)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
        writer.close()
        over.release()

    async with await asyncio.start_server(once, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        backend = VllmBackend("small", "m", f"http://127.0.0.1:{port}/v1", context_tokens=100)
        clock = asyncio.get_running_loop().time
        pauses: list[float] = []

        async def slept(seconds: float) -> None:
            pauses.append(seconds)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(
                "routing.backends.retrying.AsyncRetrying", partial(AsyncRetrying, sleep=slept)
            )
            for _ in range(2):
                await played(backend, a_turn(deadline=clock() + 5))
        await backend.aclose()
        for _ in range(served):
            await over.acquire()
    assert (served, pauses) == (2, [0.0])
