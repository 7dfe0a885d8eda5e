"""A valid call in doubt is held back and lent; who decided, at what cost, is in the receipt."""

from __future__ import annotations

from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.events import CallAccepted, Escalated, TurnFinished
from gateway.agent.run import Limits, RunRequest
from routing.backend import TokenLogprob, Usage
from routing.backends.scripted import Call, Say, ScriptedBackend
from routing.errors import BackendTimeout, BackendUnavailable
from routing.escalation_text import read
from routing.router import Member, Price

ROME, OSLO = Call("book", {"city": "Rome"}), Call("book", {"city": "Oslo"})
ASKED = "Book Oslo."


def unsure(*calls: Call) -> Say:
    """Calls of which the first token says that an answer in words was nearly as likely."""
    first = TokenLogprob(
        "[TOOL_CALLS]", -0.7, alternatives=(("[TOOL_CALLS]", -0.7), ("Sure", -0.8))
    )
    spelled = (
        "[" + ", ".join(f'{{"name": "{call.name}", "arguments": {{}}}}' for call in calls) + "]"
    )
    rest = TokenLogprob(spelled, 0.0, alternatives=((spelled, 0.0),))
    return Say(calls=calls, logprobs=(first, rest), usage=Usage(1_000, 10))


async def play(
    stage: Any, script: list[Any], expert: list[Any], *, strategy: str, **more: Any
) -> Any:
    fallbacks = [
        Member(ScriptedBackend(each, name=f"next{n}", model=f"next{n}"), Price(1.0, 1.0))
        for n, each in enumerate(more.pop("fallbacks", []))
    ]
    loop = stage.loop(script, expert, strategy=read(strategy), fallbacks=fallbacks, measures=True)
    request = RunRequest(messages=(UserMessage(content=ASKED),), **more)
    return [event async for event in loop.run(request)]


def receipts(events: list[Any]) -> list[Any]:
    return [event.receipt for event in events if isinstance(event, Escalated)]


def accepted(events: list[Any]) -> list[Any]:
    return [event.call.arguments for event in events if isinstance(event, CallAccepted)]


UNGROUNDED = "ungrounded(effect='write')"


async def test_a_call_in_doubt_is_not_run_and_the_experts_is(stage: Any) -> None:
    events = await play(stage, [ROME, "Done."], [OSLO], strategy=UNGROUNDED)
    assert stage.tools.log == [("book", {"city": "Oslo"})]
    assert accepted(events) == [{"city": "Oslo"}], "nothing provisional is shown"
    assert stage.expert.turns[0].messages == stage.intermediary.turns[0].messages
    assert events[-1].outcome.text == "Done."


async def test_a_call_that_nothing_speaks_against_is_run(stage: Any) -> None:
    events = await play(stage, [OSLO, "Done."], [], strategy=UNGROUNDED)
    assert receipts(events) == []
    assert stage.tools.log == [("book", {"city": "Oslo"})]


async def test_a_receipt_holds_both_proposals_the_evidence_and_both_costs(stage: Any) -> None:
    doubted = Say(calls=(ROME,), usage=Usage(1_000, 100))
    decided = Say(calls=(OSLO,), usage=Usage(1_000, 100))
    events = await play(stage, [doubted, "Done."], [decided], strategy=UNGROUNDED)
    [receipt] = receipts(events)
    assert receipt.reason == "ungrounded"
    assert [call.arguments for call in receipt.proposed] == ['{"city":"Rome"}']
    assert [call.arguments for call in receipt.decided] == ['{"city": "Oslo"}']
    [evidence] = receipt.evidence
    assert (evidence.tool, evidence.effect, evidence.ungrounded) == ("book", "write", ("$.city",))
    assert receipt.usage == receipt.doubted_usage == Usage(1_000, 100)
    assert receipt.cost_usd == pytest.approx(1_000 * 2e-6 + 100 * 6e-6)
    assert receipt.doubted_cost_usd == pytest.approx(1_100 * 0.1e-6)
    assert receipt.taken == "expert"
    assert receipt.saved_usd == pytest.approx(-receipt.doubted_cost_usd)


async def test_the_saving_is_what_the_expert_would_have_cost_for_the_turns_that_stood(
    stage: Any,
) -> None:
    told = Say(calls=(OSLO,), usage=Usage(1_000, 100))
    events = await play(stage, [told, Say("Done.", usage=Usage(1_000, 0))], [], strategy="own_wish")
    outcome = events[-1].outcome
    always = (2_000 * 2 + 100 * 6) / 1e6
    assert outcome.saved_usd == pytest.approx(always - outcome.cost_usd)


async def test_a_low_margin_is_seen_because_the_intermediary_is_asked_for_log_probabilities(
    stage: Any,
) -> None:
    events = await play(stage, [unsure(OSLO), "Done."], [OSLO], strategy="low_margin(1)")
    assert [receipt.reason for receipt in receipts(events)] == ["low_margin"]
    assert stage.intermediary.turns[0].logprobs
    assert not stage.expert.turns[0].logprobs
    [first] = next(e for e in events if isinstance(e, TurnFinished)).evidence
    assert first.is_measured
    assert all(not e.logprobs for e in events if isinstance(e, TurnFinished)), "not asked for"


async def test_further_models_are_asked_when_the_expert_fails(stage: Any) -> None:
    events = await play(
        stage,
        [ROME, "Done."],
        [BackendTimeout("hung")],
        strategy=UNGROUNDED,
        fallbacks=[[BackendUnavailable("500")], [OSLO]],
    )
    assert [(r.model, r.taken, bool(r.failed)) for r in receipts(events)] == [
        ("large", "next", True),
        ("next0", "next", True),
        ("next1", "expert", False),
    ]
    assert stage.tools.log == [("book", {"city": "Oslo"})]
    assert sum(r.doubted_cost_usd for r in receipts(events)) == receipts(events)[0].doubted_cost_usd


async def test_when_every_expert_fails_the_intermediarys_own_call_is_made_and_marked(
    stage: Any,
) -> None:
    events = await play(
        stage, [ROME, "Done."], [BackendTimeout("hung")], strategy=UNGROUNDED, fallbacks=[]
    )
    assert stage.tools.log == [("book", {"city": "Rome"})]
    [receipt] = receipts(events)
    assert receipt.taken == "intermediary"
    assert receipt.failed
    assert len(stage.intermediary.turns) == 2, "the decision is not asked for again"


async def test_what_cannot_be_undone_waits_for_a_person_when_no_model_can_confirm_it(
    stage: Any,
) -> None:
    both = [OSLO, Call("wipe", {})]
    events = await play(
        stage, [unsure(*both), "Done."], [BackendTimeout("hung")], strategy="low_margin(1)"
    )
    assert stage.tools.log == []
    assert accepted(events) == []
    assert receipts(events)[0].taken == "person"
    assert events[-1].outcome.stop == "interrupted"


async def test_without_an_expert_a_valid_call_is_made(stage: Any) -> None:
    loop = stage.loop([ROME, "Done."], strategy=read(UNGROUNDED))
    request = RunRequest(messages=(UserMessage(content=ASKED),))
    events = [event async for event in loop.run(request)]
    assert events[-1].outcome.text == "Done."
    assert stage.tools.log == [("book", {"city": "Rome"})]


async def test_a_doubt_that_cannot_be_paid_for_is_no_loan(stage: Any) -> None:
    events = await play(
        stage, [ROME, "Done."], [], strategy=UNGROUNDED, limits=Limits(max_cost_usd=0.0005)
    )
    assert receipts(events) == []
    assert stage.tools.log == [("book", {"city": "Rome"})]


async def test_never_means_never(stage: Any) -> None:
    await play(stage, [ROME, "Done."], [], strategy=UNGROUNDED, escalation="never")
    assert stage.tools.log == [("book", {"city": "Rome"})]


@pytest.mark.parametrize(("tenant", "lent"), [("bank-7", 1), ("other", 0)])
async def test_a_tenant_may_have_strategies_of_its_own(stage: Any, tenant: str, lent: int) -> None:
    by_tenant = {"bank-*": read(UNGROUNDED), "*-7": read("own_wish")}
    loop = stage.loop([ROME, "Done."], [OSLO], strategy=read("own_wish"), by_tenant=by_tenant)
    request = RunRequest(messages=(UserMessage(content=ASKED),), tenant=tenant)
    events = [event async for event in loop.run(request)]
    assert len(receipts(events)) == lent
