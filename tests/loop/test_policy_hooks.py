"""The five hooks, as a run meets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import ChatMessage

from gateway.agent.events import CallAccepted, TextDelta
from gateway.agent.loop import RequestDenied
from policies.decision import Allow, Deny
from policies.policy import Policy, Subject
from policies.rules.access import ToolAccess
from policies.rules.approval import Approval
from routing.backends.scripted import Call, Say
from routing.errors import BackendUnavailable
from tools.spec import Failure, ToolResult, ValidCall


async def test_a_denied_request_reaches_no_model(stage: Any) -> None:
    class Closed(Policy):
        def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
            return Deny("we are closed", "hours")

    with pytest.raises(RequestDenied, match="we are closed"):
        await stage.play(["Hi."], policies=Closed())
    assert stage.intermediary.turns == []


async def test_a_tool_that_may_not_be_called_is_not_offered(stage: Any) -> None:
    played = await stage.play(["Hi."], policies=ToolAccess(deny=["book"]))
    assert "book" not in [tool.function.name for tool in stage.intermediary.turns[0].tools]
    assert "book" not in played.events[0].offered


async def test_a_denied_call_is_an_answer_to_the_model(stage: Any) -> None:
    class NoRome(Policy):
        def on_call(self, subject: Subject, call: ValidCall) -> Any:
            return Deny("not Rome", "rome") if call.arguments.get("city") == "Rome" else Allow()

    played = await stage.play([Call("book", {"city": "Rome"}), "Not allowed."], policies=NoRome())
    assert stage.tools.log == []
    assert played.results[0].failure is Failure.DENIED
    assert "not Rome" in played.results[0].content
    assert played.text == "Not allowed."


async def test_a_call_that_needs_a_person_interrupts_the_run_and_does_not_happen(
    stage: Any,
) -> None:
    calls = [Call("get_weather", {"city": "Rome"}), Call("wipe")]
    played = await stage.play([calls], policies=Approval(tools=["wipe"]))
    assert stage.tools.log == [("get_weather", {"city": "Rome"})]
    assert played.outcome.stop == "interrupted"
    assert played.outcome.incomplete.reason == "approval_required"
    assert [event.call.name for event in played.of(CallAccepted)] == ["get_weather"]


async def test_a_result_passes_the_rules_before_the_model_and_the_trace_see_it(stage: Any) -> None:
    class Mask(Policy):
        def on_result(self, subject: Subject, call: ValidCall, result: ToolResult) -> ToolResult:
            return replace(result, content="[masked]")

    played = await stage.play([Call("get_weather", {"city": "Rome"}), "ok"], policies=Mask())
    assert stage.intermediary.turns[1].messages[-1].content == "[masked]"
    assert played.results[0].content == "[masked]"


async def test_a_rule_that_rewrites_the_answer_sees_all_of_it_before_anyone_else(
    stage: Any,
) -> None:
    class Shout(Policy):
        rewrites_response = True

        def on_response(self, subject: Subject, text: str) -> str:
            return text.upper()

    played = await stage.play([Say("be quiet please", piece=2)], policies=Shout())
    assert [delta.text for delta in played.of(TextDelta)] == ["BE QUIET PLEASE"]
    assert played.outcome.text == "BE QUIET PLEASE"


class NoExpert(Policy):
    """Holds the expert back, and counts how often it is asked whether it does."""

    asked = 0

    def on_escalate(self, subject: Subject, model: str) -> Allow | Deny:
        self.asked += 1
        return Deny("it is dear", "no-expert")


async def test_an_expert_that_a_rule_holds_back_is_not_asked(stage: Any) -> None:
    failure = BackendUnavailable("gone")
    with pytest.raises(BackendUnavailable):
        await stage.play([failure], expert=["Hello."], policies=NoExpert())
    assert stage.expert.turns == []


async def test_rules_are_asked_about_the_expert_only_where_it_could_be_asked(stage: Any) -> None:
    rule = NoExpert()
    await stage.play(["Hi."], policies=rule)
    await stage.play(["Hi."], expert=[], role="intermediary", policies=rule)
    assert rule.asked == 0
    await stage.play(["Hi."], expert=[], policies=rule)
    assert rule.asked == 1
