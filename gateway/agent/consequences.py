"""What a turn leads to: the next one, the expert's, a person's, or the end of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.ask import Heard
from gateway.agent.form import Rejected
from gateway.agent.plan import TurnPlan, can_pay
from gateway.agent.run import Incomplete
from gateway.agent.steps import Escalate, Final, Held, NextStep, RunAgain
from gateway.agent.working import Working
from routing.confidence import CallEvidence
from routing.errors import (
    BackendError,
    BackendProtocolError,
    BackendRejected,
    ContextTooLong,
    EndlessRepetition,
)
from routing.escalation import Evidence
from routing.router import Router
from tools.spec import ToolResult

_CUT = "The stream broke off inside a call."
_EMPTY = "The model gave neither an answer nor a call."
_MOST_REJECTIONS = 3
"""Answers without the form that was asked for, whoever gave them, after which a run gives up."""
_NOBODY_ELSE = frozenset({"backend_down", "context_too_long"})
"""Loans after whose failure the intermediary can't go on either."""


def second_thought(router: Router, run: Working, plan: TurnPlan, held: Held) -> Escalate | None:
    """Why calls that are valid and allowed are the expert's to decide all the same."""
    if not held.evidence or not run.may_lend() or not can_pay(run, router, plan.turn):
        return None
    doubt = _doubted(router, run, run.progress.evidence, held.evidence)
    return None if doubt is None else replace(doubt, held=held)


def next_step(
    router: Router, run: Working, plan: TurnPlan, held: Held, results: Sequence[ToolResult]
) -> NextStep:
    """What a judged turn leads to, whose runnable calls had these results."""
    heard, verdict = held.heard, held.verdict
    if (stopped := run.screening.stopped) is not None:
        return Final(incomplete=Incomplete("denied", stopped))
    if verdict.handed:
        return Final(client_calls=verdict.handed)
    if verdict.rejected is not None:
        return _rejected(router, run, plan, verdict.rejected)
    if verdict.answers:
        return _answered(run, heard)
    if plan.must_answer is not None:
        return Final(incomplete=plan.must_answer)
    if verdict.cut:
        evidence = run.progress.note_unusable(_CUT)
    elif verdict.empty:
        evidence = run.progress.note_unusable(_EMPTY)
    else:
        observed = tuple(zip(verdict.runnable, results, strict=True))
        prompt_tokens = heard.completion.usage.prompt_tokens
        evidence = run.progress.note_turn(verdict, observed, prompt_tokens)
    return _doubted(router, run, evidence) or RunAgain()


def _answered(run: Working, heard: Heard) -> Final:
    if run.unresolved:
        return Final(incomplete=run.unresolved[0])
    if heard.completion.finish_reason == "length":
        detail = f"The answer was cut after {heard.completion.usage.completion_tokens} tokens."
        return Final(incomplete=Incomplete("max_output_tokens", detail))
    return Final()


def _rejected(router: Router, run: Working, plan: TurnPlan, rejected: Rejected) -> NextStep:
    """An answer without the form that was asked for: mended by the model, lent, or given up."""
    run.rejections += 1
    last = plan.must_answer is not None or run.step >= run.request.limits.max_steps
    if run.form is None or last or run.rejections >= _MOST_REJECTIONS:
        return Final(incomplete=Incomplete("invalid_output", str(rejected)))
    run.messages.append(UserMessage(content=run.form.advice(rejected)))
    doubt = _doubted(router, run, run.progress.note_rejected(str(rejected)))
    return doubt if doubt is not None and run.may_lend() else RunAgain()


def _doubted(
    router: Router, run: Working, evidence: Evidence, proposed: tuple[CallEvidence, ...] = ()
) -> Escalate | None:
    reason = router.doubt(run.known(evidence, proposed), run.request.tenant)
    return None if reason is None else Escalate(reason.code, reason.detail)


def after_silence(router: Router, run: Working, plan: TurnPlan, error: BackendError) -> NextStep:
    """What the failure of a model leads to. Raises `error` when nothing was done by then."""
    if run.shown_in_turn:
        code = "repetition" if isinstance(error, EndlessRepetition) else "stream_cut"
        return Final(incomplete=Incomplete(code, str(error)))
    if plan.loan is None:
        doubt = _doubted(router, run, _blame(run, error))
        if doubt is not None and run.may_lend():
            return doubt
        if doubt is None and isinstance(error, BackendProtocolError):
            return RunAgain()
    elif plan.loan.reason not in _NOBODY_ELSE:
        detail = f"{plan.loan.detail} ({error})"
        run.unresolved += (Incomplete("expert_failed", detail),)
        return RunAgain()
    if run.nothing_done:
        raise error
    code = "backend_failed" if plan.loan is None else "expert_failed"
    return Final(incomplete=Incomplete(code, str(error)))


def _blame(run: Working, error: BackendError) -> Evidence:
    """The failure as evidence: a cut stream is asked again first, a bad request is our own fault."""
    if isinstance(error, ContextTooLong):
        return Evidence(context_overflow=True)
    if isinstance(error, BackendRejected):
        return Evidence()
    if isinstance(error, BackendProtocolError):
        return run.progress.note_unusable(str(error))
    return Evidence(backend_failure=str(error))
