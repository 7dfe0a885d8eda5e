"""Second thoughts about calls that are valid and allowed: what speaks for them, and what if nobody helps.

Pure. The decision whether to lend is `routing.escalation`'s, the lending itself is the loop's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.agent.ask import Heard
from gateway.agent.run import Escalation, LentCall, Taken
from gateway.agent.steps import Escalate, Held
from gateway.agent.verdict import Verdict
from policies.decision import RequireApproval
from routing.backend import Completion, Usage
from routing.confidence import CallEvidence, History, JudgedCall, measure
from routing.escalation import Evidence
from tools.spec import Effect, ValidCall

if TYPE_CHECKING:  # plan.py reads the run, whose receipts are made here
    from gateway.agent.plan import TurnPlan

NEEDS_HUMAN = "needs_human"
"""The rule named where a person decides because no model could."""


def weigh(
    plan: TurnPlan, step: int, before: Evidence, completion: Completion, verdict: Verdict
) -> tuple[CallEvidence, ...]:
    """What speaks for each call that would be made now; only the intermediary's are weighed.

    Without log-probabilities the calls are weighed all the same, by what else there is. `before` is the
    evidence as it stood before this turn.
    """
    calls = _allowed(verdict)
    if plan.route.role != "intermediary" or not calls:
        return ()
    return measure(
        completion,
        [_judged(call) for call in calls],
        candidates=[tool.function.name for tool in plan.turn.tools],
        messages=plan.turn.messages,
        history=History(step, before.invalid_turns, before.tool_errors),
    )


def last_resort(held: Held) -> Held:
    """What to do with a doubted proposal when no further model decides.

    The intermediary's own calls are made, as the best valid decision there is. A turn with a call that
    can't be undone waits for a person, whole.
    """
    verdict = held.verdict
    final = [call for call in _allowed(verdict) if call.tool.effect is Effect.DESTROY]
    if not final:
        return held
    why = RequireApproval(f"No model could confirm that {final[0].name} is right.", NEEDS_HUMAN)
    waits = replace(
        verdict, runnable=(), handed=(), answered=(), events=(), held=((final[0], why),)
    )
    return replace(held, verdict=waits)


def receipt_of(
    step: int, loan: Escalate, model: str, decided: Heard | str, *, goes_on: bool
) -> Escalation:
    """The receipt of a loan, but for its cost. `decided` is a text when the model failed to decide."""
    receipt = Escalation(step, loan.reason, loan.detail, model)
    if isinstance(decided, Heard):
        completion = decided.completion
        calls = tuple(LentCall(c.function.name, c.function.arguments) for c in completion.calls)
        receipt = replace(receipt, usage=completion.usage, decided=calls)
    else:
        receipt = replace(receipt, failed=decided, taken=_taken(loan.held, goes_on=goes_on))
    if loan.held is None:
        return receipt
    return replace(
        receipt,
        evidence=loan.held.evidence,
        proposed=tuple(
            LentCall(call.name, call.arguments_json()) for call in _allowed(loan.held.verdict)
        ),
        doubted_usage=loan.held.heard.completion.usage if loan.attempt == 0 else Usage(),
        doubted_cost_usd=loan.held.cost_usd if loan.attempt == 0 else 0.0,
    )


def _taken(held: Held | None, *, goes_on: bool) -> Taken:
    if goes_on:
        return "next"
    if held is None:
        return "none"
    return "person" if last_resort(held).verdict.held else "intermediary"


def _allowed(verdict: Verdict) -> list[ValidCall]:
    return [*verdict.runnable, *verdict.handed]


def _judged(call: ValidCall) -> JudgedCall:
    return JudgedCall(
        name=call.name,
        arguments=call.arguments,
        effect=call.tool.effect,
        parameters=call.tool.parameters,
        repairs=len(call.repairs),
    )
