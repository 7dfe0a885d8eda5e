"""Doubtful calls are decided among several answers; sure ones, texts and failures cost nothing more."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from routing.backend import Completion, Sampling, TextDelta, TokenLogprob, Turn, Usage
from routing.backends.scripted import Call, Item, Say, ScriptedBackend
from routing.consistency import SelfConsistent
from routing.errors import BackendTimeout

SURE = (TokenLogprob("x", -0.001),)
UNSURE = (TokenLogprob("x", math.log(0.5)),)
TURN = Turn([UserMessage(content="What time is it in Paris, and what is 48 * 37?")])
TIME = Call("current_time", {"timezone": "Paris"})
SUM = Call("calculate", {"expression": "48 * 37"})
WRONG = Call("calculate", {"expression": "48 * 3"})


async def answer(
    script: Sequence[Item], samples: int = 4, turn: Turn = TURN
) -> tuple[Completion, list[str], ScriptedBackend]:
    backend = ScriptedBackend(script)
    texts: list[str] = []
    async for item in SelfConsistent(backend, samples).stream(turn):
        if isinstance(item, TextDelta):
            texts.append(item.text)
        else:
            return item, texts, backend
    raise AssertionError("no completion")


def arguments(completion: Completion) -> list[str]:
    return [call.function.arguments for call in completion.calls]


async def test_a_sure_answer_that_was_said_is_taken_as_it_is() -> None:
    completion, _, backend = await answer([Say(calls=[TIME, SUM], logprobs=SURE)])
    assert len(backend.turns) == 1
    assert completion.logprobs == ()
    assert completion.usage == Usage(100, 10)


@pytest.mark.parametrize(
    "first",
    [
        Say(calls=[TIME, SUM], logprobs=UNSURE),  # the model itself doubts
        Say(calls=[TIME, WRONG], logprobs=SURE),  # 3 was not said
        Say(calls=[TIME], logprobs=SURE),  # 48 and 37 are used by no call
    ],
)
async def test_a_doubtful_answer_is_decided_by_the_most_votes(first: Say) -> None:
    script = [first, [TIME, SUM], [TIME, WRONG], [TIME, SUM], [TIME, SUM]]
    completion, _, backend = await answer(script)
    assert [turn.sampling.temperature for turn in backend.turns] == [None, 1.0, 1.0, 1.0, 1.0]
    assert [turn.sampling.seed for turn in backend.turns[1:]] == [1, 2, 3, 4]
    assert '"48 * 37"' in arguments(completion)[1]
    assert completion.usage == Usage(500, 50)


async def test_of_equal_votes_what_was_said_wins() -> None:
    first = Say(calls=[TIME, WRONG], logprobs=SURE)
    completion, _, _ = await answer([first, [TIME, SUM]], samples=1)
    assert '"48 * 37"' in arguments(completion)[1]


async def test_samples_that_fail_or_only_talk_have_no_vote() -> None:
    first = Say(calls=[TIME, SUM], logprobs=UNSURE)
    completion, _, _ = await answer([first, BackendTimeout("slow"), "No idea.", "No idea."], 3)
    assert len(completion.calls) == 2


async def test_text_is_streamed_and_never_asked_for_again() -> None:
    completion, texts, backend = await answer([Say("It is noon in Paris.", logprobs=UNSURE)])
    assert "".join(texts) == completion.text == "It is noon in Paris."
    assert len(backend.turns) == 1


@pytest.mark.parametrize("sampling", [Sampling(temperature=0.0), Sampling(seed=7)])
async def test_an_app_that_samples_itself_is_left_alone(sampling: Sampling) -> None:
    first = Say(calls=[WRONG], logprobs=UNSURE)
    completion, _, backend = await answer([first], turn=Turn(TURN.messages, sampling=sampling))
    assert len(backend.turns) == 1
    assert arguments(completion) == ['{"expression":"48 * 3"}'] or arguments(completion) == [
        '{"expression": "48 * 3"}'
    ]


async def test_log_probabilities_are_told_to_a_turn_that_asks_for_them() -> None:
    turn = Turn(TURN.messages, logprobs=True, top_logprobs=3)
    completion, _, backend = await answer([Say(calls=[TIME, SUM], logprobs=SURE)], turn=turn)
    assert completion.logprobs == SURE
    assert backend.turns[0].top_logprobs == 3


async def test_everything_else_is_the_inner_backends() -> None:
    inner = ScriptedBackend(["x"], name="small", model="m", context_tokens=512)
    outer = SelfConsistent(inner, 4)
    assert (outer.name, outer.model, outer.context_tokens) == ("small", "m", 512)
    assert await outer.count_tokens(TURN) == await inner.count_tokens(TURN)
    assert await outer.ready()
    await outer.aclose()
    assert inner.closed
