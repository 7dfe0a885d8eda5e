"""Filters over what a run says, as its reader and its record get it."""

from __future__ import annotations

from typing import Any

from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import TextDelta, TurnFinished
from policies.loader import parse
from policies.policy import Policies
from routing.backend import TokenLogprob
from routing.backends.scripted import Call, Say
from routing.errors import BackendUnavailable


def rules(**settings: Any) -> Policies:
    return parse({"rules": [{"filter": settings}]})


MASK = rules(find=["email", "card"], at=["input", "result", "output"], action="mask")
BLOCK = rules(name="words", words=["codename"], at=["output"], action="block")


async def test_a_mask_holds_however_the_answer_is_cut_into_deltas(stage: Any) -> None:
    for piece in (1, 3, 7, 100):
        played = await stage.play(
            [Say("Ask bob@example.com, card 4111 1111 1111 1111.", piece=piece)], policies=MASK
        )
        assert played.text == "Ask [email], card [card]."
        assert played.of(TurnFinished)[0].text == played.text


async def test_ordinary_text_still_streams(stage: Any) -> None:
    played = await stage.play([Say("one two three four", piece=4)], policies=MASK)
    assert len(played.of(TextDelta)) > 2
    assert played.text == "one two three four"


async def test_a_block_ends_the_answer_before_the_match_and_says_so(stage: Any) -> None:
    played = await stage.play([Say("The code is codename X, and more.", piece=2)], policies=BLOCK)
    assert played.text.startswith("The code is ")
    assert "codename" not in played.text
    assert "and more" not in played.text
    assert played.outcome.incomplete.reason == "denied"
    assert "words" in played.outcome.incomplete.detail


async def test_models_read_masked_input_and_results(stage: Any) -> None:
    messages = [UserMessage(content="I am bob@example.com")]
    script = [Call("get_weather", {"city": "bob@example.com"}), "Fine."]
    played = await stage.play(script, policies=MASK, messages=messages)
    read = stage.intermediary.turns[1].messages
    assert read[0].content == "I am [email]"
    assert "bob" not in read[-1].content
    assert "bob" not in played.results[0].content


async def test_a_structured_answer_is_masked_too(stage: Any) -> None:
    schema = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
    played = await stage.play(['{"to": "bob@example.com"}'], policies=MASK, output_schema=schema)
    assert played.text == '{"to": "[email]"}'


async def test_what_was_held_back_of_a_turn_that_failed_is_not_shown(stage: Any) -> None:
    broken = Say("bob", breaks=BackendUnavailable("gone", backend="small"))
    played = await stage.play([broken], expert=["Hello."], policies=MASK)
    assert played.text == "Hello."


async def test_the_likelihood_of_masked_tokens_is_not_told(stage: Any) -> None:
    tokens = (TokenLogprob("bob@example.com", -0.1),)
    for text, told in (("bob@example.com", 0), ("hello there you", 1)):
        played = await stage.play([Say(text, logprobs=tokens)], policies=MASK, logprobs=True)
        assert len(played.of(TurnFinished)[0].logprobs) == told
