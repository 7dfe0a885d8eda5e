"""The LiteLLM backend against a local OpenAI-compatible server: LiteLLM's quirks end here."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from routing.backend import NamedTool, TextDelta, Turn, Usage
from routing.backends.litellm import LiteLLMBackend
from routing.backends.openai_http import HttpTimeouts
from routing.backends.retrying import Retries
from routing.errors import (
    BackendOverloaded,
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)
from tests.routing.openai_stub import (
    DONE,
    TOOL,
    Reply,
    Stub,
    a_turn,
    call,
    calls,
    finish,
    played,
    running,
    text,
    usage,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # LiteLLM's own, of many kinds
PROVIDERS = ["openai/m", "mistral/mistral-large-latest"]
CALL = calls(call(0, "call_0123456789", "get_weather", '{"city": "Paris"}'))


@asynccontextmanager
async def backend_on(
    stub: Stub, model: str = "openai/m", **options: Any
) -> AsyncGenerator[LiteLLMBackend, None]:
    options = {"base_url": stub.url, "api_key": "k", "retries": Retries(1), **options}
    backend = LiteLLMBackend("expert", model, **options)
    try:
        yield backend
    finally:
        await backend.aclose()


@pytest.mark.parametrize("model", PROVIDERS)
async def test_text_is_streamed_and_completed_with_usage(model: str) -> None:
    async with running() as stub, backend_on(stub, model) as backend:
        _, completion = await played(backend, a_turn())
    assert (completion.text, completion.finish_reason) == ("Hello", "stop")
    assert completion.usage == Usage(7, 3)
    assert completion.model
    assert stub.headers[0]["Authorization"] == "Bearer k"


@pytest.mark.parametrize("model", PROVIDERS)
async def test_text_beside_calls_is_kept_and_ids_become_mistrals(model: str) -> None:
    parts = [text("let me see"), CALL, finish("tool_calls"), usage(), DONE]
    async with running(Reply(parts)) as stub, backend_on(stub, model) as backend:
        shown, completion = await played(backend, a_turn(tools=[TOOL]))
    assert shown == "let me see"
    assert re.fullmatch(r"[a-zA-Z0-9]{9}", completion.calls[0].id)
    assert completion.calls[0].function.arguments == '{"city": "Paris"}'


@pytest.mark.parametrize("model", PROVIDERS)
@pytest.mark.parametrize(
    "parts", [[text("Hel")], [calls(call(0, "a", "get_weather", '{"city": "Pa'))]]
)
@pytest.mark.parametrize("aborted", [True, False])
async def test_a_cut_stream_is_a_protocol_error_whatever_reason_litellm_makes_up(
    model: str, parts: list[bytes], aborted: bool
) -> None:
    async with running(Reply(parts, cut=aborted)) as stub, backend_on(stub, model) as backend:
        with pytest.raises(BackendProtocolError, match="cut"):
            await played(backend, a_turn(tools=[TOOL]))
    assert len(stub.requests) == 1


async def test_a_named_tool_is_forced_on_mistral_by_offering_nothing_else() -> None:
    other = TOOL.model_copy(update={"function": TOOL.function.model_copy(update={"name": "other"})})
    turn = a_turn(tools=[TOOL, other], tool_choice=NamedTool("get_weather"))
    async with running() as stub:
        async with backend_on(stub, PROVIDERS[1]) as backend:
            await played(backend, turn)
        async with backend_on(stub, PROVIDERS[0]) as backend:
            await played(backend, turn)
    mistral, openai = stub.requests
    assert [tool["function"]["name"] for tool in mistral["tools"]] == ["get_weather"]
    assert mistral["tool_choice"] == "any"
    assert len(openai["tools"]) == 2
    assert openai["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}


async def test_logprobs_are_not_asked_of_mistral_which_refuses_them() -> None:
    async with running() as stub:
        for model in PROVIDERS:
            async with backend_on(stub, model) as backend:
                await played(backend, a_turn(logprobs=True))
    assert ["logprobs" in request for request in stub.requests] == [True, False]


@pytest.mark.parametrize("model", PROVIDERS)
@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (400, "This model's maximum context length is 8192 tokens", ContextTooLong),
        (400, "bad", BackendRejected),
        (401, "who", BackendRejected),
        (404, "what", BackendRejected),
        (429, "slow down", BackendOverloaded),
        (500, "boom", BackendUnavailable),
        (503, "full", BackendOverloaded),
    ],
)
async def test_a_status_is_a_typed_error(
    model: str, status: int, message: str, error: type[Exception]
) -> None:
    body = f'{{"error": {{"message": "{message}"}}}}'.encode()
    async with running(Reply([body], status=status)) as stub, backend_on(stub, model) as backend:
        with pytest.raises(error) as raised:
            await played(backend, a_turn())
    assert type(raised.value) is error
    assert len(stub.requests) == 1


async def test_overload_is_waited_out_as_the_server_says() -> None:
    busy = Reply([b"{}"], status=429, headers={"Retry-After": "0"})
    async with running(busy, Reply()) as stub, backend_on(stub, retries=Retries(2)) as backend:
        assert (await played(backend, a_turn()))[0] == "Hello"
    assert len(stub.requests) == 2


async def test_a_longer_wait_than_allowed_is_not_begun_and_told() -> None:
    busy = Reply([b"{}"], status=429, headers={"Retry-After": "3600"})
    async with running(busy) as stub, backend_on(stub, retries=Retries(3)) as backend:
        with pytest.raises(BackendOverloaded) as raised:
            await played(backend, a_turn())
    assert raised.value.retry_after_s == 3600
    assert len(stub.requests) == 1


async def test_nobody_listening_is_unavailable() -> None:
    async with running() as stub:
        url = stub.url
    async with backend_on(stub, base_url=url) as backend:
        with pytest.raises(BackendUnavailable):
            await played(backend, a_turn())


async def test_a_chunk_that_is_no_json_is_a_protocol_error() -> None:
    parts = [text("Hel"), b"data: {oops\n\n", DONE]
    async with running(Reply(parts)) as stub, backend_on(stub) as backend:
        with pytest.raises(BackendProtocolError):
            await played(backend, a_turn())


@pytest.mark.parametrize("held", [0, 1])
async def test_a_token_that_does_not_come_is_a_timeout(held: int) -> None:
    reply = Reply([text("Hel"), text("lo")], holds={held: asyncio.Event()})
    quick = HttpTimeouts(idle_s=0.2)
    async with running(reply) as stub, backend_on(stub, timeouts=quick) as backend:
        with pytest.raises(BackendTimeout):
            await played(backend, a_turn())


async def test_the_deadline_bounds_a_slow_drip() -> None:
    async with running(Reply([text("x")] * 50_000)) as stub, backend_on(stub) as backend:
        deadline = asyncio.get_running_loop().time() + 0.3
        with pytest.raises(BackendTimeout):
            await played(backend, a_turn(deadline=deadline))


async def test_closing_the_stream_reaches_the_provider() -> None:
    reply = Reply([text("Hel"), text("lo")], holds={1: asyncio.Event()})
    async with running(reply) as stub, backend_on(stub) as backend:
        async with aclosing(backend.stream(a_turn())) as stream:
            assert await anext(stream) == TextDelta("Hel")
        await asyncio.wait_for(stub.dropped.wait(), 5)


def test_prices_and_windows_come_from_litellms_table_or_the_configuration() -> None:
    million = Usage(1_000_000, 1_000_000, 0)
    assert LiteLLMBackend("e").price_usd(million) == pytest.approx(2.0)
    assert LiteLLMBackend("e").price_usd(Usage(10, 0, 10)) < LiteLLMBackend("e").price_usd(
        Usage(10)
    )
    assert LiteLLMBackend("e", price=(3.0, 4.0)).price_usd(million) == pytest.approx(7.0)
    assert LiteLLMBackend("e", "nobody/knows").price_usd(million) == 0.0
    assert LiteLLMBackend("e").context_tokens >= 128_000
    assert LiteLLMBackend("e", "nobody/knows").context_tokens == 32_768
    assert LiteLLMBackend("e", context_tokens=5).context_tokens == 5


def test_litellm_is_not_imported_before_the_first_turn() -> None:
    code = (
        "import sys; from routing.backends.litellm import LiteLLMBackend;"
        "from routing.backend import Usage;"
        "b = LiteLLMBackend('expert'); b.price_usd(Usage(1, 1)); b.context_tokens;"
        "print('litellm' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


async def test_it_is_ready_without_asking_the_provider() -> None:
    async with running() as stub, backend_on(stub) as backend:
        assert await backend.ready()
    assert stub.requests == []


def test_the_default_is_mistral_large() -> None:
    assert LiteLLMBackend("expert").model == "mistral/mistral-large-latest"
    assert isinstance(a_turn(), Turn)
