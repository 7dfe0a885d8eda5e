"""The scripted twin keeps the backend contract and fails loudly where a test is wrong."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from routing.backend import Completion, ModelBackend, TextDelta, TokenLogprob, Turn, Usage
from routing.backends.scripted import Call, Item, Say, ScriptedBackend, ScriptEnded
from routing.errors import BackendTimeout, BackendUnavailable

TURN = Turn(messages=[UserMessage(content="hello")])


async def play(backend: ModelBackend, turn: Turn = TURN) -> tuple[list[str], Completion]:
    items = [item async for item in backend.stream(turn)]
    *deltas, last = items
    assert isinstance(last, Completion)
    return [delta.text for delta in deltas if isinstance(delta, TextDelta)], last


async def test_text_is_streamed_in_pieces_and_completed_whole() -> None:
    deltas, completion = await play(ScriptedBackend(["a longer answer"]))
    assert deltas == ["a longer", " answer"]
    assert completion.text == "a longer answer"
    assert completion.finish_reason == "stop"


async def test_text_is_cut_where_the_script_says() -> None:
    deltas, _ = await play(ScriptedBackend([Say("abcdef", cuts=(0, 1, 5))]))
    assert deltas == ["a", "bcde", "f"]


async def test_calls_are_only_in_the_completion_with_unique_nine_character_ids() -> None:
    deltas, completion = await play(
        ScriptedBackend([[Call("a", {"x": 1}), Call("b", "{broken"), Call("c", id="Abc123xyz")]])
    )
    assert deltas == []
    assert [c.function.arguments for c in completion.calls] == ['{"x": 1}', "{broken", "{}"]
    assert [c.id for c in completion.calls] == ["call00001", "call00002", "Abc123xyz"]
    assert completion.finish_reason == "tool_calls"


async def test_a_function_answers_by_what_it_was_asked() -> None:
    backend = ScriptedBackend([lambda turn: f"{len(turn.messages)} message"])
    _, completion = await play(backend)
    assert completion.text == "1 message"
    assert backend.turns == [TURN]


@pytest.mark.parametrize(
    "script", [[BackendUnavailable("down")], [lambda _: BackendUnavailable("down")]]
)
async def test_a_scripted_exception_is_raised(script: list[Item]) -> None:
    with pytest.raises(BackendUnavailable, match="down"):
        await play(ScriptedBackend(script))


async def test_a_stream_can_break_after_its_text() -> None:
    stream = ScriptedBackend([Say("begun", breaks=BackendUnavailable("reset"))]).stream(TURN)
    assert await anext(stream) == TextDelta("begun")
    with pytest.raises(BackendUnavailable, match="reset"):
        await anext(stream)


async def test_the_end_of_the_script_is_no_backend_error() -> None:
    backend = ScriptedBackend(["one"])
    await play(backend)
    with pytest.raises(ScriptEnded, match="asked for turn 2"):
        await play(backend)


async def test_an_endless_script_is_read_one_item_a_turn() -> None:
    backend = ScriptedBackend(itertools.repeat("again"))
    assert [(await play(backend))[1].text for _ in range(3)] == ["again"] * 3


async def test_a_pause_holds_the_stream_until_its_event() -> None:
    go = asyncio.Event()
    backend = ScriptedBackend([Say("abcd", piece=2, pauses={1: go})])
    async with aclosing(backend.stream(TURN)) as stream:
        assert await anext(stream) == TextDelta("ab")
        waiting = asyncio.ensure_future(anext(stream))
        await backend.asked(1)
        assert not waiting.done()
        go.set()
        assert await waiting == TextDelta("cd")


async def test_a_pause_past_the_deadline_is_a_timeout() -> None:
    deadline = asyncio.get_running_loop().time()
    backend = ScriptedBackend([Say("never", pauses={0: asyncio.Event()})])
    with pytest.raises(BackendTimeout):
        await play(backend, Turn(messages=TURN.messages, deadline=deadline))
    assert backend.stopped == []


async def test_closing_the_stream_is_recorded() -> None:
    backend = ScriptedBackend([Say("abcd", piece=2)])
    async with aclosing(backend.stream(TURN)) as stream:
        await anext(stream)
    assert backend.stopped == [TURN]


async def test_logprobs_are_told_only_when_asked_for() -> None:
    told = (TokenLogprob("hi", -0.1, 5),)
    backend = ScriptedBackend(
        [Say("hi", logprobs=told), Say("hi", logprobs=told, usage=Usage(1, 2))]
    )
    assert (await play(backend))[1].logprobs == ()
    completion = (await play(backend, Turn(messages=TURN.messages, logprobs=True)))[1]
    assert completion.logprobs == told
    assert completion.usage.total_tokens == 3


async def test_readiness_and_closing_are_visible() -> None:
    backend = ScriptedBackend([])
    assert await backend.ready()
    backend.is_ready = False
    assert not await backend.ready()
    await backend.aclose()
    assert backend.closed
