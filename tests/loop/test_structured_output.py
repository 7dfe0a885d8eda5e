"""Structured output: whatever the engine does, an answer satisfies its schema or is none."""

from __future__ import annotations

from typing import Any

from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import TextDelta
from gateway.agent.run import Limits
from policies.policy import Policy, Subject
from routing.backends.scripted import Call, Say
from routing.errors import BackendProtocolError
from tools.spec import ToolSpec

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
LYON = '{"city": "Lyon", "people": 522250}'
PROSE = "Lyon has 522250 people."


async def test_an_answer_that_fits_is_given_once_and_whole(stage: Any) -> None:
    played = await stage.play([Say(LYON, piece=3)], output_schema=CITY)
    assert [delta.text for delta in played.of(TextDelta)] == [LYON]
    assert (played.outcome.stop, played.outcome.incomplete) == ("answer", None)


async def test_what_can_be_repaired_without_loss_is_and_leaves_a_note(stage: Any) -> None:
    said = 'Sure!\n```json\n{"city": "Lyon", "people": "522250"}\n```\nAnything else?'
    played = await stage.play([said], output_schema=CITY)
    assert played.text == LYON
    assert any("code fence" in note for note in played.notes)
    assert any("read as integer 522250" in note for note in played.notes)


async def test_an_answer_that_does_not_fit_is_asked_again_with_the_error_and_its_path(
    stage: Any,
) -> None:
    played = await stage.play(['{"city": "Lyon", "people": "many"}', LYON], output_schema=CITY)
    assert played.text == LYON
    told = stage.intermediary.turns[1].messages[-1]
    assert isinstance(told, UserMessage)
    assert "$.people" in str(told.content)
    assert played.outcome.incomplete is None


async def test_after_a_second_failure_the_decision_is_lent_to_the_expert(stage: Any) -> None:
    played = await stage.play([PROSE, PROSE], expert=[LYON], output_schema=CITY)
    assert played.reasons == ["invalid_output"]
    assert played.text == LYON
    assert played.outcome.incomplete is None


async def test_what_nobody_can_give_is_an_honest_failure_without_text(stage: Any) -> None:
    played = await stage.play([PROSE, PROSE, PROSE], output_schema=CITY)
    assert played.text == ""
    assert played.outcome.incomplete.reason == "invalid_output"
    assert "$" in played.outcome.incomplete.detail
    lent = await stage.play([PROSE, PROSE], expert=['{"city": 5}'], output_schema=CITY)
    assert lent.text == ""
    assert lent.outcome.incomplete.reason == "invalid_output"


async def test_an_empty_answer_is_asked_again(stage: Any) -> None:
    played = await stage.play(["", "  \n", LYON], output_schema=CITY)
    assert played.text == LYON


async def test_the_last_step_is_not_followed_by_another(stage: Any) -> None:
    played = await stage.play([PROSE], output_schema=CITY, limits=Limits(max_steps=1))
    assert played.outcome.incomplete.reason == "invalid_output"


async def test_with_tools_only_the_answer_is_held_to_the_form(stage: Any) -> None:
    looks = Say("Let me look.", calls=[Call("get_weather", {"city": "Lyon"})])
    played = await stage.play([looks, LYON], output_schema=CITY, tool_globs=("*",))
    assert stage.tools.log == [("get_weather", {"city": "Lyon"})]
    assert played.text == LYON


async def test_calls_of_the_app_go_back_without_the_form(stage: Any) -> None:
    mine = ToolSpec("mine", "The app's.", {"type": "object", "properties": {}})
    played = await stage.play([Call("mine")], output_schema=CITY, client_tools=(mine,))
    assert played.outcome.stop == "client_calls"


async def test_an_answer_cut_by_its_length_is_shown_as_what_it_is(stage: Any) -> None:
    played = await stage.play([Say('{"city": "Ly', finish_reason="length")], output_schema=CITY)
    assert played.text == '{"city": "Ly'
    assert played.outcome.stop == "length"


async def test_a_stream_that_breaks_is_asked_again_for_nothing_was_shown(stage: Any) -> None:
    broken = Say('{"city": "Ly', breaks=BackendProtocolError("the stream was cut"))
    played = await stage.play([broken, LYON], output_schema=CITY)
    assert played.text == LYON


async def test_what_was_not_resolved_is_told_beside_the_answer_and_never_in_it(stage: Any) -> None:
    unknown = Call("no_such_tool", {})
    script = [unknown, unknown, LYON]
    played = await stage.play(script, output_schema=CITY, tool_globs=("*",))
    assert played.text == LYON
    assert played.outcome.incomplete.reason == "no_expert"


async def test_a_rule_that_rewrites_answers_has_the_last_word(stage: Any) -> None:
    class Redacts(Policy):
        rewrites_response = True

        def on_response(self, subject: Subject, text: str) -> str:
            return text.replace("Lyon", "[city]")

    played = await stage.play([LYON], output_schema=CITY, policies=Redacts())
    assert played.text == '{"city": "[city]", "people": 522250}'
