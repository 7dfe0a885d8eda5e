"""Self-consistency: a small model's doubtful calls are decided among several samples.

What it is: a wrapper around a backend.  When the first answer is calls, and something speaks against them
(a value that nobody said, a number of the request that no call uses, a token that the model itself
held for unlikely), the turn is asked again a few times at a higher temperature.  Of the call lists, the
one with the most votes, weighed by how much of it was said, is the answer: right copies agree, wrong ones
differ from sample to sample.  Cheap where the prompt is cached and slots are free, as with a model in this
process.
What it is not: a judge of validity (`tools`) or an escalation (`routing.escalation`), which both see only
what was chosen.

Text is passed on as it comes.  Samples are seeded: the same turn ends in the same calls.

Source: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models", 2022.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import cast

import orjson
from mistral_common.protocol.instruct.tool_calls import ToolCall

from routing.backend import Completion, ModelBackend, TextDelta, Turn
from routing.errors import BackendError
from routing.grounding import Said
from routing.wrapped import Wrapped

_UNLIKELY = math.log(0.9)
"""A token below this makes a call doubtful: of right calls few have one, of wrong ones most."""
_TEMPERATURE = 1.0
_LEAST = 0.05
"""What nothing of the evidence says still counts a little: one measure alone never decides."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Samples that agree: the first of them, and how many they are."""

    completion: Completion
    votes: int


class SelfConsistent(Wrapped):
    """`inner`, whose doubtful calls are decided among the first and `samples` further answers.

    A turn that names its own temperature or seed is the app's own experiment and is left alone.
    """

    def __init__(self, inner: ModelBackend, samples: int) -> None:
        super().__init__(inner)
        self._samples = samples

    @property
    def most_answers(self) -> int:
        """The first one and the samples."""
        return (1 + self._samples) * super().most_answers

    async def stream(self, turn: Turn) -> AsyncGenerator[TextDelta | Completion, None]:
        """The first answer as it comes; doubtful calls in it are the samples' choice."""
        shown = False
        watched = replace(
            turn,
            logprobs=True,
            top_logprobs=turn.top_logprobs if turn.logprobs else 1,
            tells_closed=False,  # what is called is only known when the samples have voted
        )
        async with aclosing(_stream(self._inner, watched)) as stream:
            async for item in stream:
                if isinstance(item, TextDelta):
                    shown = True
                    yield item
                    continue
                first = item if turn.logprobs else replace(item, logprobs=())
                if shown or not _may_sample(turn) or not _is_doubtful(turn, item):
                    yield first
                else:
                    yield await self._decided(turn, first)

    async def _decided(self, turn: Turn, first: Completion) -> Completion:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(self._sample(turn, n)) for n in range(self._samples)]
        samples = [first, *(sample for task in asked if (sample := task.result()) is not None)]
        usage = sum((sample.usage for sample in samples[1:]), first.usage)
        return replace(_chosen(turn, samples), usage=usage)

    async def _sample(self, turn: Turn, n: int) -> Completion | None:
        """One more answer; None when the engine fails, for the first answer stands all the same."""
        sampling = replace(turn.sampling, temperature=_TEMPERATURE, seed=n + 1)
        try:
            async with aclosing(
                _stream(self._inner, replace(turn, sampling=sampling, tells_closed=False))
            ) as stream:
                async for item in stream:
                    if isinstance(item, Completion):
                        return item
        except BackendError:
            return None
        return None


def _stream(backend: ModelBackend, turn: Turn) -> AsyncGenerator[TextDelta | Completion, None]:
    stream = backend.stream(turn)
    if not isinstance(stream, AsyncGenerator):
        raise TypeError("a backend's stream has to be an asynchronous generator")
    return cast("AsyncGenerator[TextDelta | Completion, None]", stream)


def _may_sample(turn: Turn) -> bool:
    return turn.sampling.temperature is None and turn.sampling.seed is None


def _is_doubtful(turn: Turn, completion: Completion) -> bool:
    """Whether there are calls, and anything speaks against them."""
    if not completion.calls:
        return False
    if any(token.logprob < _UNLIKELY for token in completion.logprobs):
        return True
    arguments = [_arguments(call) for call in completion.calls]
    said = Said.of(turn.messages)
    return said.coverage(arguments) < 1 or any(
        said.grounding(each).lowest < 1 for each in arguments
    )


def _chosen(turn: Turn, samples: Sequence[Completion]) -> Completion:
    """The candidate with the most support; the first of equals."""
    said = Said.of(turn.messages)
    candidates = _candidates(samples)
    return max(candidates, key=lambda each: each.votes * _weight(said, each.completion)).completion


def _candidates(samples: Sequence[Completion]) -> list[_Candidate]:
    """Samples with calls, those that agree put together. Texts have no vote: calls were decided on."""
    found: dict[bytes, _Candidate] = {}
    for sample in samples:
        if not sample.calls:
            continue
        calls = [(call.function.name, _arguments(call)) for call in sample.calls]
        key = orjson.dumps(calls, option=orjson.OPT_SORT_KEYS)
        known = found.get(key)
        found[key] = _Candidate(
            known.completion if known else sample, known.votes + 1 if known else 1
        )
    return list(found.values())


def _weight(said: Said, completion: Completion) -> float:
    """From 0 to 1: grounding of the arguments times coverage of what was asked."""
    arguments = [_arguments(call) for call in completion.calls]
    grounding = sum(said.grounding(each).mean for each in arguments) / len(arguments)
    return max(grounding, _LEAST) * max(said.coverage(arguments), _LEAST)


def _arguments(call: ToolCall) -> object:
    """Parsed where they parse; the text as it is where they don't."""
    try:
        return orjson.loads(call.function.arguments)
    except orjson.JSONDecodeError:
        return call.function.arguments
