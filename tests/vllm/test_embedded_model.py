"""The embedded model's safetensors, served by real vLLM: a trained model under the same grammar."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from mistral_common.protocol.instruct.messages import UserMessage

from routing.backend import Completion, Sampling, Turn
from routing.backends.vllm import VllmBackend
from tests.vllm.schemas import SCHEMAS, tool

pytestmark = pytest.mark.vllm


@pytest.mark.parametrize("constrain", [True, False])
async def test_it_answers_or_calls_validly(nano: VllmBackend, constrain: bool) -> None:
    turn = Turn(
        messages=[UserMessage(content="Use bounded_integer with days 3.")],
        tools=[tool("bounded_integer")],
        sampling=Sampling(temperature=0.0, max_tokens=120),
        constrain=constrain,
        logprobs=True,
    )
    items = [item async for item in nano.stream(turn)]
    completion = items[-1]
    assert isinstance(completion, Completion)
    assert completion.text or completion.calls
    assert completion.logprobs
    if constrain and completion.finish_reason != "length":
        for call in completion.calls:
            Draft202012Validator(SCHEMAS[call.function.name]).validate(
                json.loads(call.function.arguments)
            )
