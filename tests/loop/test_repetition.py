"""A model that only repeats itself is stopped: its reader sees the beginning, and is told."""

from __future__ import annotations

from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.run import Limits
from routing.backend import Usage
from routing.backends.scripted import Call, Say

FOUND = "I found note 26: the wine we liked was a Barbera"
LOOP = FOUND + " was a Barbera" * 2_000
LYON = '{"city": "Lyon"}'
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize("piece", [1, 64, 1_000_000])
async def test_an_endless_answer_is_stopped_and_said_to_be(stage: Any, piece: int) -> None:
    played = await stage.play([Say(LOOP, piece=piece)])
    assert played.outcome.incomplete.reason == "repetition"
    assert played.outcome.stop == "incomplete"
    said, confession = played.text.split("\n\n")
    assert LOOP.startswith(said)
    assert len(FOUND) < len(said) < len(FOUND) + 400
    assert confession.startswith("I stopped, because I only repeated myself:")
    assert len(stage.intermediary.turns) == 1


async def test_a_chinese_reader_is_told_in_chinese(stage: Any) -> None:
    messages = [UserMessage(content="查查我记的密码")]
    played = await stage.play([Say("密码是" + "WiFi" * 5_000)], messages=messages)
    assert "我只是在重复同样的话" in played.text


async def test_the_engine_is_not_waited_for_once_it_repeats_itself(stage: Any) -> None:
    await stage.play(
        [Say(LOOP, piece=100, breaks=AssertionError("the stream was read to its end"))]
    )


async def test_calls_before_it_have_run_and_are_not_run_again(stage: Any) -> None:
    calls = (Call("book", {"city": "Lyon"}),)
    played = await stage.play([Say(calls=calls), LOOP])
    assert stage.tools.log == [("book", {"city": "Lyon"})]
    assert played.outcome.incomplete.reason == "repetition"


async def test_an_answer_with_a_form_that_repeats_itself_is_asked_for_again(stage: Any) -> None:
    played = await stage.play(['{"city": "' + "Ly" * 5_000, LYON], output_schema=CITY)
    assert played.text == LYON
    assert played.outcome.incomplete is None


async def test_and_lent_where_that_did_not_help(stage: Any) -> None:
    loop = '{"city": "' + "Ly" * 5_000
    played = await stage.play([loop, loop], expert=[LYON], output_schema=CITY)
    assert played.text == LYON
    assert played.reasons == ["no_progress"]


async def test_an_answer_cut_by_its_length_leaves_the_repetition_out(stage: Any) -> None:
    usage = Usage(10, 300)
    said = Say(FOUND + " was a Barbera" * 70, finish_reason="length", usage=usage)
    played = await stage.play([said])
    assert played.outcome.stop == "length"
    assert played.outcome.usage == usage
    assert len(played.text) < len(FOUND) + 400
    assert "left out text that only repeated itself" in played.notes


async def test_an_answer_that_ends_its_repetition_comes_whole(stage: Any) -> None:
    text = "ha" * 1_500 + ", said the crow."
    played = await stage.play([Say(text, piece=7)])
    assert played.text == text
    assert played.outcome.incomplete is None


async def test_an_operator_may_let_it_repeat_itself_as_often_as_it_likes(stage: Any) -> None:
    played = await stage.play([LOOP], limits=Limits(max_repetition=0))
    assert played.text == LOOP


async def test_what_may_be_a_call_for_too_long_and_only_repeats_itself_ends_too(stage: Any) -> None:
    played = await stage.play([Say('[{"name": "' + "a" * 70_000, piece=50)])
    assert played.outcome.incomplete.reason == "repetition"
    assert len(played.text) < 1_000
