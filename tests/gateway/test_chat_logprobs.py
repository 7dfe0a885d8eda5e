"""Log-probabilities on the chat wire: of the text that is shown, and of nothing else."""

from __future__ import annotations

import json
from typing import Any

from policies.policy import Policy, Subject
from routing.backend import TokenLogprob
from routing.backends.scripted import Call, Say

HI = Say(
    "Hé!",
    logprobs=(
        TokenLogprob("Hé", -0.25, alternatives=(("Hé", -0.25), ("Ho", -2.0), ("Ha", -3.0))),
        TokenLogprob("!", -0.5, alternatives=(("!", -0.5),)),
    ),
)
TOLD = [
    {
        "token": "Hé",
        "logprob": -0.25,
        "bytes": [72, 195, 169],
        "top_logprobs": [
            {"token": "Hé", "logprob": -0.25, "bytes": [72, 195, 169]},
            {"token": "Ho", "logprob": -2.0, "bytes": [72, 111]},
        ],
    },
    {
        "token": "!",
        "logprob": -0.5,
        "bytes": [33],
        "top_logprobs": [{"token": "!", "logprob": -0.5, "bytes": [33]}],
    },
]
ASK = {"logprobs": True, "top_logprobs": 2}


async def test_each_token_is_told_with_its_alternatives_streamed_and_whole(serve: Any) -> None:
    gateway = await serve([HI, HI])
    [choice] = (await gateway.chat(**ASK)).json()["choices"]
    assert choice["logprobs"] == {"content": TOLD, "refusal": None}
    lines = (await gateway.chat(stream=True, **ASK)).text.split("\n\n")[:-2]
    streamed = [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines]
    assert [each["logprobs"] for each in streamed if each["logprobs"]] == [choice["logprobs"]]
    assert [turn.top_logprobs for turn in gateway.intermediary.turns] == [2, 2]


async def test_they_are_told_only_to_who_asks(serve: Any) -> None:
    gateway = await serve([HI])
    [choice] = (await gateway.chat()).json()["choices"]
    assert choice["logprobs"] is None
    assert gateway.intermediary.turns[0].logprobs is False


async def test_the_tokens_of_calls_are_not_told(serve: Any) -> None:
    call = Say(
        calls=[Call("add", {"a": 1, "b": 2})], logprobs=(TokenLogprob("[TOOL_CALLS]", -0.1),)
    )
    gateway = await serve([call, HI])
    [choice] = (await gateway.chat(**ASK)).json()["choices"]
    assert choice["logprobs"]["content"] == TOLD


async def test_the_texts_of_several_turns_are_told_one_after_the_other(serve: Any) -> None:
    look = Say(
        "Look.",
        calls=[Call("add", {"a": 1, "b": 2})],
        logprobs=(TokenLogprob("Look.", -1.0), TokenLogprob("[TOOL_CALLS]", -0.1)),
    )
    gateway = await serve([look, HI])
    [choice] = (await gateway.chat(**ASK)).json()["choices"]
    assert choice["message"]["content"] == "Look.\n\nHé!"
    assert [each["token"] for each in choice["logprobs"]["content"]] == ["Look.", "Hé", "!"]


async def test_a_text_that_a_rule_rewrote_does_not_come_back_by_its_tokens(serve: Any) -> None:
    class Redacts(Policy):
        rewrites_response = True

        def on_response(self, subject: Subject, text: str) -> str:
            return "[removed]"

    gateway = await serve([HI], policies=Redacts())
    [choice] = (await gateway.chat(**ASK)).json()["choices"]
    assert choice["message"]["content"] == "[removed]"
    assert choice["logprobs"] is None


async def test_an_engine_that_can_not_tell_them_is_named_in_the_refusal(serve: Any) -> None:
    gateway = await serve([HI])
    gateway.intermediary.tells_logprobs = False
    response = await gateway.chat(**ASK)
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (
        400,
        "logprobs",
        "unsupported",
    )
    assert "small" in error["message"]


async def test_the_openai_client_reads_them(serve: Any) -> None:
    gateway = await serve([HI])
    answer = await gateway.openai.chat.completions.create(
        model="gateway",
        messages=[{"role": "user", "content": "Hi"}],
        logprobs=True,
        top_logprobs=1,
    )
    [first, _] = answer.choices[0].logprobs.content
    assert (first.token, first.top_logprobs[0].logprob) == ("Hé", -0.25)
