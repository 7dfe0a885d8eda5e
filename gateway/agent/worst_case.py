"""The most that a turn can cost, known before it is asked for: what is set aside of a budget.

A prompt is counted where the model's tokenizer is known. Elsewhere its bytes are taken: a token of any
tokenizer in use stands for one at least. An answer is bounded by what the turn is made to say.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import orjson
from mistral_common.protocol.instruct.messages import ChatMessage

from gateway.transcript.parts import images_in
from routing.backend import Turn, Usage, most_answers
from routing.errors import BackendError
from routing.router import Member

log = logging.getLogger("gateway.budgets")

_ANSWER_TOKENS = 2048
"""Of an answer whose length the app did not bound: then it is bounded by this."""
_SHORTEST_ANSWER = 256
"""A turn for which less can be paid is not asked for."""
_IMAGE_TOKENS = 4096
"""The most that one image takes in the models that read them."""
_AROUND = 16
"""Tokens that an engine may put about a prompt that was counted exactly."""


async def bounded(member: Member, turn: Turn, most_usd: float | None) -> tuple[Turn, float]:
    """The turn with a bound to its answer, and the most that it then costs, in US dollars.

    The answer is made as short as `most_usd` demands, down to 256 tokens; what is given may be more than
    that all the same. A model that costs nothing is left alone.
    """
    if member.price(Usage(1_000_000, 1_000_000)) <= 0:
        return turn, 0.0
    backend = member.backend
    prompt = about = _bytes(turn)
    try:
        async with asyncio.timeout_at(turn.deadline):
            count = await backend.count_tokens(turn)
        about = count.total
        prompt = about + _AROUND if count.is_exact else prompt
    except (BackendError, TimeoutError) as error:  # why, the turn itself will tell
        log.info("a prompt of %s is bounded by its bytes: %s", backend.name, error)
    window = backend.context_tokens
    if window:
        prompt = min(prompt, window)
    times = most_answers(backend)
    answer = turn.sampling.max_tokens
    if answer is None:
        answer = _ANSWER_TOKENS
        if window:  # an engine refuses what may not fit
            answer = max(min(answer, window - about - _AROUND), 1)
        while most_usd is not None and answer > _SHORTEST_ANSWER:
            if _price(member, prompt, answer, times) <= most_usd:
                break
            answer = max(answer // 2, _SHORTEST_ANSWER)
        turn = replace(turn, sampling=replace(turn.sampling, max_tokens=answer))
    return turn, _price(member, prompt, answer, times)


def _price(member: Member, prompt: int, answer: int, times: int) -> float:
    return member.price(Usage(prompt * times, answer * times))


def _bytes(turn: Turn) -> int:
    tools = sum(len(tool.model_dump_json().encode()) for tool in turn.tools)
    form = 0 if turn.output_schema is None else len(orjson.dumps(turn.output_schema, default=str))
    return tools + form + sum(map(_length, turn.messages))


def _length(message: ChatMessage) -> int:
    images = images_in(message)
    written = len(message.model_dump_json().encode()) - sum(map(len, images))
    return written + _IMAGE_TOKENS * len(images)
