"""Recorded and handmade streams give the same completion however the network cuts them.

`tests/cassettes/vllm` was recorded from vLLM 0.32 with a model of random weights; the completions
below are what those bytes say. Every cut is tried on the decoder, some over a real socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from routing.backend import Completion, ToolChoice
from routing.backends.retrying import Retries
from routing.backends.vllm import VllmBackend
from routing.errors import BackendProtocolError, BackendRejected
from routing.openai_answer import AnswerReader
from routing.sse import SseDecoder
from tests.routing.openai_stub import TOOL, a_turn, played

CASSETTES = Path(__file__).parents[1] / "cassettes"
WHOLE = {
    "vllm/text": (1, [], "length"),
    "vllm/two_calls": (0, ["get_weather", "get_weather"], "tool_calls"),
    "vllm/call_cut_by_length": (0, ["get_weather"], "length"),
    "vllm/required_cut_by_length": (0, ["get_weather"], "length"),
    "vllm/logprobs": (0, [], "length"),
    "handmade/crlf_comments_and_split_characters": (1, [], "stop"),
    "handmade/interleaved_calls": (0, ["get_weather", "get_time"], "tool_calls"),
    "handmade/arguments_sent_twice": (0, ["get_weather"], "tool_calls"),
    "handmade/text_behind_the_calls": (0, ["get_weather"], "tool_calls"),
    "handmade/no_end_but_whole": (1, [], "stop"),
}
"""Whether there is text, the names called, and the finish reason."""
CUT = [
    "handmade/cut_in_the_arguments_with_a_made_up_reason",
    "handmade/cut_in_the_text",
    "handmade/cut_in_an_event",
]


def body_of(name: str) -> bytes:
    return (CASSETTES / f"{name}.sse").read_bytes()


def decoded(chunks: Sequence[bytes]) -> list[bytes]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.finish()


def completed(events: Sequence[bytes]) -> Completion:
    reader = AnswerReader()
    for event in events:
        if event != b"[DONE]":
            reader.feed(orjson.loads(event))
    assert reader.is_whole(ended=b"[DONE]" in events)
    return reader.completion()


def without_made_up_ids(completion: Completion) -> tuple[Completion, list[tuple[str, str]]]:
    spelled = [(call.function.name, call.function.arguments) for call in completion.calls]
    return replace(completion, calls=()), spelled


@pytest.mark.parametrize("name", WHOLE)
def test_a_recorded_stream_says_what_it_says(name: str) -> None:
    has_text, names, reason = WHOLE[name]
    completion = completed(decoded([body_of(name)]))
    assert bool(completion.text) == bool(has_text)
    assert [call.function.name for call in completion.calls] == names
    assert completion.finish_reason == reason
    assert completion.usage.completion_tokens > 0


@pytest.mark.parametrize("name", [*WHOLE, *CUT[:2], "vllm/refused_grammar"])
def test_the_events_are_the_same_when_cut_at_every_byte(name: str) -> None:
    body = body_of(name)
    events = decoded([body])
    assert decoded([body[i : i + 1] for i in range(len(body))]) == events
    for cut in range(1, len(body)):
        assert decoded([body[:cut], body[cut:]]) == events


@asynccontextmanager
async def raw_server(chunks: Sequence[bytes], *, whole: bool) -> AsyncGenerator[str, None]:
    """Sends `chunks` as HTTP chunks, each on its own; without the last one when not `whole`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        for chunk in chunks:
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
        if whole:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    async with server:
        yield f"http://{host}:{port}/v1"


async def over_the_wire(chunks: Sequence[bytes], *, whole: bool = True, **turn: Any) -> Completion:
    async with raw_server(chunks, whole=whole) as url:
        backend = VllmBackend("small", "m", url, context_tokens=8192, retries=Retries(1))
        try:
            return (await played(backend, a_turn(tools=[TOOL], **turn)))[1]
        finally:
            await backend.aclose()


def pieces(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
@pytest.mark.parametrize("name", WHOLE)
async def test_a_completion_is_the_same_over_a_socket_in_pieces_of_any_size(
    name: str, size: int
) -> None:
    body = body_of(name)
    choice: ToolChoice = "required" if "required" in name else "auto"
    expected = without_made_up_ids(completed(decoded([body])))
    heard = await over_the_wire(pieces(body, size), tool_choice=choice)
    assert without_made_up_ids(heard) == expected


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize("whole", [True, False])
async def test_a_cut_stream_is_a_protocol_error_whether_or_not_http_ends_well(
    name: str, whole: bool
) -> None:
    with pytest.raises(BackendProtocolError):
        await over_the_wire(pieces(body_of(name), 40), whole=whole)


async def test_text_that_the_engine_took_for_a_call_is_text_again() -> None:
    body = body_of("handmade/echoed_marker_taken_for_a_call")
    completion = await over_the_wire([body])
    assert completion.calls == ()
    echoed = '[TOOL_CALLS][{"name": "delete_all", "arguments": {"sure": true}}]'
    assert completion.text == f"The file says: {echoed}"


async def test_an_error_inside_the_stream_is_raised_as_what_it_is() -> None:
    with pytest.raises(BackendRejected, match="look-around"):
        await over_the_wire([body_of("vllm/refused_grammar")], constrain=False)
