"""One decision at a time is lent to the expert; every loan leaves a receipt; its failure is survived."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import Escalated
from gateway.agent.run import Limits
from policies.decision import Allow, Deny
from policies.policy import Policy, Subject
from routing.backend import Turn, Usage
from routing.backends.scripted import Call, Say
from routing.errors import (
    BackendOverloaded,
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)

GOOD = Call("add", {"a": 1, "b": 2})
BAD = Call("add", {"a": "one", "b": 2})


async def test_a_call_that_stays_invalid_is_lent_and_then_the_intermediary_goes_on(
    stage: Any,
) -> None:
    played = await stage.play([BAD, BAD, "It is 3."], expert=[GOOD])
    assert played.reasons == ["invalid_after_repair"]
    assert stage.tools.log == [("add", {"a": 1, "b": 2})]
    assert played.text == "It is 3."
    assert len(stage.expert.turns) == 1
    assert stage.expert.turns[0].messages == stage.intermediary.turns[2].messages[:-2]


async def test_the_experts_call_is_validated_like_any_other(stage: Any) -> None:
    played = await stage.play([BAD, BAD, "I can't."], expert=[BAD])
    assert stage.tools.log == []
    assert len(played.refused) == 3
    assert played.text == "I can't."


async def test_a_receipt_says_why_who_and_what_it_cost(stage: Any) -> None:
    answer = Say("Forty-two.", usage=Usage(1_000, 100))
    played = await stage.play([Call("escalate", {"reason": "too deep"})], expert=[answer])
    (receipt,) = [event.receipt for event in played.of(Escalated)]
    assert (receipt.reason, receipt.detail, receipt.model) == ("own_wish", "too deep", "large")
    assert receipt.cost_usd == pytest.approx(1_000 * 2e-6 + 100 * 6e-6)
    assert played.outcome.escalations == (receipt,)
    assert played.outcome.cost_usd > receipt.cost_usd
    assert played.text == "Forty-two."


async def test_the_wish_is_offered_only_where_it_can_be_granted(stage: Any) -> None:
    def names(turn: Turn) -> list[str]:
        return [tool.function.name for tool in turn.tools]

    await stage.play(["Hi."], expert=[])
    assert names(stage.intermediary.turns[0])[-1] == "escalate"
    await stage.play(["Hi."])
    assert "escalate" not in names(stage.intermediary.turns[0])
    await stage.play(["Hi."], expert=[], escalation="never")
    assert "escalate" not in names(stage.intermediary.turns[0])
    await stage.play(["Hi."], expert=[], role="intermediary", tool_globs=("*",))
    assert "escalate" not in names(stage.intermediary.turns[0])


async def test_rules_are_asked_about_the_expert_where_there_is_one_and_may_deny_it(
    stage: Any,
) -> None:
    class NoExpert(Policy):
        def __init__(self) -> None:
            self.asked: list[str] = []

        def on_escalate(self, subject: Subject, model: str) -> Allow | Deny:
            self.asked.append(model)
            return Deny("no", "escalate")

    rule = NoExpert()
    await stage.play(["Hi."], policies=rule)
    assert rule.asked == []
    await stage.play(["Hi."], expert=[], policies=rule)
    assert rule.asked == ["expert"]
    assert "escalate" not in [tool.function.name for tool in stage.intermediary.turns[0].tools]


async def test_a_wish_discards_the_other_calls_of_its_turn(stage: Any) -> None:
    both = [Call("book", {"city": "Rome"}), Call("escalate", {"reason": "unsure"})]
    await stage.play([both], expert=["Ask again."])
    assert stage.tools.log == []


@pytest.mark.parametrize(
    "failure",
    [BackendUnavailable("refused"), BackendTimeout("hung"), BackendOverloaded("429")],
)
async def test_when_the_intermediary_is_down_the_expert_decides(
    stage: Any, failure: Exception
) -> None:
    played = await stage.play([failure], expert=["Hello."])
    assert played.reasons == ["backend_down"]
    assert played.text == "Hello."


async def test_a_conversation_too_long_for_the_intermediary_goes_to_the_expert(stage: Any) -> None:
    played = await stage.play([ContextTooLong("8193 > 8192")], expert=["Summary."])
    assert played.reasons == ["context_too_long"]
    assert played.text == "Summary."


async def test_a_nearly_full_window_is_noticed_from_the_engines_own_count(stage: Any) -> None:
    full = Say(calls=(GOOD,), usage=Usage(31_000, 10))
    played = await stage.play([full], expert=["It is 3."])
    assert played.reasons == ["context_too_long"]


async def test_a_rejected_request_is_our_fault_and_is_never_hidden_by_the_expert(
    stage: Any,
) -> None:
    with pytest.raises(BackendRejected):
        await stage.play([BackendRejected("bad grammar")], expert=["Hello."])
    assert stage.expert.turns == []


async def test_without_an_expert_a_dead_intermediary_is_an_error_while_nothing_is_done(
    stage: Any,
) -> None:
    with pytest.raises(BackendUnavailable):
        await stage.play([BackendUnavailable("refused")])


async def test_without_an_expert_a_later_failure_ends_in_an_honest_answer(stage: Any) -> None:
    played = await stage.play([GOOD, BackendUnavailable("refused")])
    assert played.outcome.incomplete.reason == "backend_failed"
    assert "refused" in played.text


async def test_without_an_expert_the_answer_says_what_could_not_be_done(stage: Any) -> None:
    played = await stage.play([BAD, BAD, "I tried."])
    assert played.text.startswith("I tried.\n\nI could not do all of this")
    assert "add" in played.text
    assert played.outcome.incomplete.reason == "no_expert"
    assert stage.intermediary.turns[-1].tool_choice == "none"


async def test_it_says_so_in_chinese_to_whoever_asked_in_chinese(stage: Any) -> None:
    played = await stage.play([BAD, BAD, "不行。"], messages=[UserMessage(content="请加一下")])
    assert "我没能完成全部请求" in played.text


EXPERT_FAILURES = [
    BackendTimeout("hung"),
    BackendOverloaded("429"),
    BackendUnavailable("500"),
    BackendProtocolError("cut"),
    BackendRejected("bad request"),
]


@pytest.mark.parametrize("failure", EXPERT_FAILURES, ids=lambda error: type(error).__name__)
async def test_when_the_expert_fails_the_intermediary_answers_and_says_what_is_missing(
    stage: Any, failure: Exception
) -> None:
    played = await stage.play([BAD, BAD, "I tried."], expert=[failure])
    (receipt,) = played.outcome.escalations
    assert receipt.failed
    assert played.outcome.incomplete.reason == "expert_failed"
    assert played.text.startswith("I tried.\n\nI could not do all of this")


async def test_when_both_models_are_down_the_error_is_raised(stage: Any) -> None:
    with pytest.raises(BackendTimeout):
        await stage.play([BackendUnavailable("refused")], expert=[BackendTimeout("hung")])


async def test_at_most_three_decisions_are_lent_in_a_run(stage: Any) -> None:
    wish = Call("escalate", {"reason": "hard"})
    script = [wish, wish, wish, "Enough."]
    calls = [Call("add", {"a": n, "b": 1}) for n in range(3)]
    played = await stage.play(script, expert=calls)
    assert len(played.reasons) == 3
    assert "escalate" not in [tool.function.name for tool in stage.intermediary.turns[-1].tools]
    assert played.text == "Enough."


async def test_never_keeps_the_expert_out_and_always_asks_it_for_each_decision(stage: Any) -> None:
    played = await stage.play([BAD, BAD, "No."], expert=["unused"], escalation="never")
    assert played.reasons == []
    assert played.outcome.incomplete.reason == "unresolved_call"
    played = await stage.play([], expert=[GOOD, "3"], escalation="always")
    assert played.reasons == ["always", "always"]
    assert played.text == "3"


async def test_always_with_a_failing_expert_falls_back_once_and_ends(stage: Any) -> None:
    played = await stage.play(
        ["Hello."], expert=repeat(BackendTimeout("hung")), escalation="always"
    )
    assert len(played.outcome.escalations) == 1
    assert played.text.startswith("Hello.")


async def test_a_request_for_the_expert_goes_to_it_without_a_receipt(stage: Any) -> None:
    played = await stage.play([], expert=["Bonjour."], role="expert")
    assert played.text == "Bonjour."
    assert played.outcome.escalations == ()


async def test_an_empty_answer_is_asked_again_and_then_lent(stage: Any) -> None:
    played = await stage.play(["", "Hello."])
    assert played.text == "Hello."
    played = await stage.play(["", ""], expert=["Hello."])
    assert played.reasons == ["no_progress"]


async def test_side_effects_already_done_are_not_redone_by_the_expert(stage: Any) -> None:
    turns = [[Call("book", {"city": "Rome"}), BAD], BAD, "Booked."]
    await stage.play(turns, expert=[GOOD])
    assert stage.tools.log.count(("book", {"city": "Rome"})) == 1
    seen = stage.expert.turns[0].messages
    assert any("done" in str(message.content) for message in seen)


async def test_an_escalation_too_dear_for_the_budget_is_not_made_and_the_small_one_answers(
    stage: Any,
) -> None:
    played = await stage.play(
        [BAD, BAD, "I tried."], expert=["unused"], limits=Limits(max_cost_usd=0.001)
    )
    assert stage.expert.turns == []
    assert played.outcome.incomplete.reason == "max_cost"
    assert played.text.startswith("I tried.")
    assert played.outcome.cost_usd <= 0.001


async def test_a_good_call_in_between_forgives_an_invalid_one(stage: Any) -> None:
    played = await stage.play([BAD, GOOD, BAD, "It is 3."], expert=[])
    assert played.reasons == []
    assert played.text == "It is 3."


async def test_after_a_loan_the_same_call_may_be_made_again(stage: Any) -> None:
    script = [GOOD, GOOD, GOOD, GOOD, "It is 3."]
    played = await stage.play(script, expert=[Call("get_weather", {"city": "Rome"})])
    assert played.reasons == ["no_progress"]
    assert played.text == "It is 3."
