"""The ReAct loop: a request in, valid native calls, tools run, one answer out.

    on_request → ┌ plan → ask a model → judge its calls → run them → remember ┐ → answer
                 └──────────────── RunAgain | Escalate ───────────────────────┘

Whoever asks (streaming or not, Chat or Responses, foreground or background) reads the same stream of
`RunEvent`s. The loop decides nothing about a call by itself: `tools` says whether it is valid,
`policies` whether it is allowed, its effect how it runs, `routing` who decides when in doubt.

What holds, whatever the models and the tools do:
- one deadline and one budget for the run; money is set aside before it is spent;
- an unknown tool, bad arguments, a denied or failing tool are answers to the model, never the end;
- one decision at a time is lent to the expert, then the intermediary goes on;
- the last step must answer; what could not be done is said in the answer and in `incomplete`;
- text is shown once and never taken back, a call is shown only after it was validated, and so is an
  answer whose form the app asked for.

Raises, while nothing was done: `RequestDenied` (policy), `Unpayable` (a budget is spent),
`tools.errors.RegistrationError` (the app's tools), `routing.errors.BackendError` (nobody can answer). Later failures end in an `Incomplete`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import assert_never

from mistral_common.protocol.instruct.messages import ToolMessage
from mistral_common.protocol.instruct.tool_calls import ToolCall

from gateway.agent.answer import hold_to_form
from gateway.agent.approvals import carry_out, held_calls, version_gone
from gateway.agent.ask import Heard, ask
from gateway.agent.boundary import Boundary
from gateway.agent.consequences import after_silence, next_step, second_thought
from gateway.agent.doubt import last_resort, weigh
from gateway.agent.early import begin_early, end_early
from gateway.agent.events import (
    ApprovalRequested,
    ContextShortened,
    Escalated,
    Observation,
    RunEvent,
    RunFinished,
    RunStarted,
    TurnFinished,
    TurnStarted,
)
from gateway.agent.journal import Journal
from gateway.agent.observe import observe
from gateway.agent.offering import FIND_TOOLS, Offer, OfferOptions, look_ahead
from gateway.agent.plan import TurnPlan, plan_turn
from gateway.agent.rates import within_rates
from gateway.agent.result_budget import ResultBudget, fitted
from gateway.agent.run import Incomplete, Resumed, RunRequest, StopReason, with_messages
from gateway.agent.screening import Screening
from gateway.agent.shortening import Shortener
from gateway.agent.steps import Escalate, Final, Held, Interrupt, NextStep, RunAgain
from gateway.agent.till import Hold, Till, Unpayable
from gateway.agent.verdict import Court, select
from gateway.agent.wording import confession
from gateway.agent.working import Working, subject_of
from gateway.agent.writes import Writes
from gateway.storage.durable import DurableRuns
from gateway.storage.files import FileStore
from policies.decision import Allow, Deny
from policies.filters.sieve import Detector
from policies.policy import Policies, Policy
from routing.backend import TextDelta, Turn
from routing.errors import BackendError, BackendProtocolError
from routing.router import Router
from tools.registry import Registry
from tools.spec import ToolResult, ValidCall

_DRAIN_S = 10.0


class RequestDenied(Exception):
    """A policy refuses the whole request. `rule` names what decided; waiting may help."""

    def __init__(self, reason: str, rule: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.reason = reason
        self.rule = rule


class AgentLoop:
    """Runs requests. One for an application; what belongs to a run lives in its `Working`."""

    def __init__(
        self,
        router: Router,
        registry: Registry,
        policies: Policy | None = None,
        writes: Writes | None = None,
        offers: OfferOptions | None = None,
        *,
        till: Till | None = None,
        private: Sequence[Detector] | None = None,
        early_reads: bool = True,
        results: ResultBudget | None = None,
        durable: DurableRuns | None = None,
        files: FileStore | None = None,
    ) -> None:
        """`private` finds what is hidden from the expert; None: nothing is, not even marked fields."""
        self._router = router
        self._registry = registry
        self._policies = policies or Policies()
        self._writes = writes or Writes(tools=registry.snapshot)
        self._offers = offers or OfferOptions()
        self._till = till or Till()
        self._private = private
        self._early_reads = early_reads
        self._results = results or ResultBudget()
        self._files = files
        self._shortener = Shortener(router, self._till)
        self._durable = durable

    async def aclose(self) -> None:
        """Bring begun writes and bookings to their end, in ten seconds at most for either."""
        await self._writes.drain(_DRAIN_S)
        await self._till.drain(_DRAIN_S)

    async def run(
        self, request: RunRequest, resumed: Resumed | None = None
    ) -> AsyncGenerator[RunEvent, None]:
        """Yield what happens until `RunFinished`. Closing the generator stops model and reads.

        With `resumed`, go on where the run was interrupted, as people have decided.
        """
        run = await self._begin(request, resumed)
        yield RunStarted(request, run.toolset.names)
        step: RunAgain | Final = RunAgain()
        if resumed is not None:
            run.restore(resumed.suspended)
            async for event in carry_out(run, resumed, self._policies, self._run_tools):
                yield event
            step = version_gone(run) or step
        while isinstance(step, RunAgain):
            run.begin_step()
            plan = plan_turn(run, self._router)
            if isinstance(plan, Final):
                step = plan
                continue
            if run.boundary is not None and plan.route.role == "expert":
                plan = run.boundary.outgoing(plan, run.toolset)
            plan, receipt = await self._shortener.fit(run, plan)
            if receipt is not None:
                run.shortened += (receipt,)
                yield ContextShortened(receipt)
            try:
                async with aclosing(self._take_turn(run, plan)) as turn:
                    async for item in turn:
                        if isinstance(item, NextStep):
                            step = self._settle(run, item)
                        else:
                            yield item
            finally:
                await end_early(run)
        for event in self._end(run, step):
            yield event

    async def _begin(self, request: RunRequest, resumed: Resumed | None) -> Working:
        """The run, if policy admits it, with what the operator lets it have. Raises `RequestDenied`."""
        policies, subject = self._policies, subject_of(request)
        decision = policies.on_request(subject, request.messages)
        if isinstance(decision, Allow) and policies.limits_rates and resumed is None:
            decision = await policies.admit(subject)  # a run that goes on was counted
        if isinstance(decision, Deny):
            raise RequestDenied(decision.reason, decision.rule, decision.retry_after_s)
        messages = policies.on_messages(subject, request.messages)
        # Only what the rules let through is looked for: the embedding model may be somebody else's.
        read = request if messages is request.messages else with_messages(request, messages)
        await look_ahead(read, self._registry, self._offers)
        offer = Offer(read, subject, self._registry, policies, self._offers)
        run = Working.begin(
            request, subject, offer, policies, self._router, results=self._results, read=messages
        )
        run.boundary = None if self._private is None else Boundary(self._private)
        run.files = self._files
        ours = len(run.toolset) > len(request.client_tools)
        if self._early_reads and ours:
            run.reads_early = not (policies.counts_cost or policies.limits_calls)
        if request.durable and self._durable is not None:
            run.journal = await Journal.read(self._durable, request)
            if run.journal.called(FIND_TOOLS):
                run.offer.search_on()
        return run

    def _settle(self, run: Working, step: NextStep) -> RunAgain | Final:
        """Turn the four ways on into the two that the loop itself knows."""
        match step:
            case RunAgain() | Final():
                return step
            case Escalate():
                run.lend(step)
                return RunAgain()
            case Interrupt():
                why = "; ".join(f"{held.name}: {held.reason}" for held in step.held)
                missing = Incomplete("approval_required", why)
                return Final(incomplete=missing, suspended=run.suspend(step.held))
            case _:
                assert_never(step)

    async def _take_turn(
        self, run: Working, plan: TurnPlan
    ) -> AsyncGenerator[RunEvent | NextStep, None]:
        """One decision and what comes of it: events, then exactly one `NextStep`."""
        try:
            hold = await self._hold(run, plan)
        except Unpayable as refused:
            came = (self._unpaid(run, plan, refused),)
        else:
            run.screening = Screening(self._policies.screen(run.subject))
            route = plan.route
            yield TurnStarted(run.step, route.role, route.backend.model, route.reason)
            heard: Heard | BackendError = BackendProtocolError("The model said nothing.")
            try:
                begin = partial(begin_early, run, hold.turn, self._policies, self._writes)
                async with hold, aclosing(_hear(run, plan, hold.turn, begin)) as stream:
                    async for item in stream:
                        hold.heard = True
                        if isinstance(item, Heard):
                            heard = item
                            hold.pay(item.completion)
                        elif run.form is None and (delta := self._show(run, item.text)):
                            yield delta
            except BackendError as error:
                heard = error
            if isinstance(heard, BackendError):
                came = self._fail(run, plan, heard)
            else:
                if run.form is None and (delta := self._rest(run)):
                    yield delta
                came = self._judge(run, plan, heard)
        for item in came:  # events, and at last the next step or what is to be done before it
            if not isinstance(item, Held):
                yield item
                continue
            held = await within_rates(item, self._policies, run)
            for event in held.verdict.events:
                yield event
            for result in held.verdict.answered:
                yield Observation(run.step, result)
            results = await self._run_tools(run, held.verdict.runnable)
            for act in self._remember(run, plan, held, results):
                yield act

    def _fail(
        self, run: Working, plan: TurnPlan, error: BackendError
    ) -> Iterator[RunEvent | NextStep | Held]:
        """What comes of a turn in which nothing was decided: events, then a `NextStep` or what is done instead."""
        if plan.loan is not None:
            failed = f"{type(error).__name__}: {error}"
            yield Escalated(run.close_loan(plan.loan, plan.route, failed))
            if run.loan is not None:
                yield RunAgain()
                return
            if (held := plan.loan.held) is not None and not run.shown_in_turn:
                yield last_resort(held)
                return
        yield after_silence(self._router, run, plan, error)

    async def _hold(self, run: Working, plan: TurnPlan) -> Hold:
        """Money for a turn; what a journal knows was paid for then. Raises `Unpayable`."""
        if run.journal is not None and run.journal.knows(run.step):
            return Hold(plan.turn, 0.0, run, plan.route, self._till)
        return await self._till.hold(run, plan.route, plan.turn)

    def _unpaid(self, run: Working, plan: TurnPlan, refused: Unpayable) -> NextStep | Held:
        """What comes of a turn that can't be paid for. Raises `refused` when nothing was done by then."""
        if plan.loan is not None and (held := plan.loan.held) is not None:
            run.loan = None
            return last_resort(held)
        if run.drop_loan(refused.incomplete):
            return RunAgain()
        if run.nothing_done and refused.incomplete.reason == "budget":
            raise refused
        return Final(incomplete=refused.incomplete)

    def _judge(
        self, run: Working, plan: TurnPlan, heard: Heard
    ) -> list[RunEvent | NextStep | Held]:
        """What is to be told of a turn that was heard: events, then what may be carried out of it, or who decides instead."""
        events: list[RunEvent | NextStep | Held] = []
        completion, usage = heard.completion, heard.completion.usage
        calls, notes = select(
            completion.calls,
            parallel=plan.turn.parallel_tool_calls,
            most=plan.turn.max_calls,
            is_client=run.toolset.is_client,
            ended=completion.finish_reason != "length",
        )
        cost = run.spend(plan.route, completion)
        if completion.served is not None:
            run.tiers += (completion.served.tier,)
        self._policies.on_spend(run.subject, usage.total_tokens, cost)
        court = Court(
            run.step,
            run.toolset,
            self._policies,
            run.subject,
            run.calls_left,
            heard.unknown,
            {} if run.early is None else run.early.court.known,
            dry=run.request.limits.dry,
        )
        verdict = court.judge(completion, calls, callable_now=plan.must_answer is None)
        if run.form is not None and verdict.answers:
            verdict, read = hold_to_form(run.form, verdict, completion)
            notes += read
            if verdict.rejected is None:
                events += filter(None, (self._show(run, verdict.text), self._rest(run)))
        evidence = ()
        if completion.logprobs or run.may_lend():
            before = run.progress.evidence
            evidence = weigh(plan, run.step, before, completion, verdict)
        finished = TurnFinished(
            step=run.step,
            text=run.screening.recorded(completion.text),
            calls=len(calls),
            finish_reason=completion.finish_reason,
            usage=usage,
            cost_usd=cost,
            elapsed_s=heard.elapsed_s,
            first_token_s=heard.first_token_s,
            notes=heard.notes + notes,
            logprobs=completion.logprobs if run.tells_logprobs else (),
            evidence=evidence,
            served=completion.served,
        )
        events.append(finished)
        if plan.loan is not None:
            events.append(Escalated(run.close_loan(plan.loan, plan.route, heard, cost)))
        held = Held(heard, verdict, evidence, cost)
        events.append(second_thought(self._router, run, plan, held) or held)
        return events

    def _remember(
        self, run: Working, plan: TurnPlan, held: Held, results: Sequence[ToolResult]
    ) -> Iterator[RunEvent | NextStep]:
        """What a judged turn and its calls came to, told and kept: events, then one `NextStep`."""
        for result in results:
            yield Observation(run.step, result)
        waiting = () if run.screening.stopped else held_calls(run, held.verdict)
        for call in waiting:
            yield ApprovalRequested(call)
        if held.verdict.keeps:
            run.remember(held.verdict, results)
        if waiting:
            yield Interrupt(waiting)
        else:
            yield next_step(self._router, run, plan, held, results)

    def _show(self, run: Working, text: str) -> TextDelta | None:
        """Text goes out at once, as the rules let it, unless one must see the whole of it first."""
        return self._let_out(run, run.screening.feed(text))

    def _rest(self, run: Working) -> TextDelta | None:
        """What the rules held back of a turn that is over."""
        return self._let_out(run, run.screening.finish())

    def _let_out(self, run: Working, text: str) -> TextDelta | None:
        delta = run.show(text) if text else None
        return None if self._policies.rewrites_response else delta

    async def _run_tools(self, run: Working, calls: Sequence[ValidCall]) -> list[ToolResult]:
        if not calls:
            return []
        run.calls_run += len(calls)
        begun = None if run.early is None else run.early.taken(calls)
        runs = partial(
            observe,
            toolset=run.toolset,
            context=run.call_context(),
            writes=self._writes,
            begun=begun,
            durable=run.journal is not None,
        )
        if run.journal is None:
            done = await runs(calls)
        else:
            done = await run.journal.observe(run.step, calls, runs)
            run.offer.keep(map(_message, done))  # what was found before is not searched for again
        return [
            await fitted(run, call.tool, self._policies.on_result(run.subject, call, result))
            for call, result in zip(calls, done, strict=True)
        ]

    def _end(self, run: Working, final: Final) -> Iterator[RunEvent]:
        """The last events: what a rule held back, what could not be done, the outcome."""
        if self._policies.rewrites_response and run.text:
            yield run.replace_text(self._policies.on_response(run.subject, run.text))
        missing = final.incomplete
        cut = missing is not None and missing.reason == "max_output_tokens"
        # A form has no place for sentences.
        if missing is not None and not cut and run.form is None:
            yield run.add_paragraph(confession(missing, run.request.messages))
        yield RunFinished(run.outcome(final, _stop(final)))


def _hear(
    run: Working, plan: TurnPlan, turn: Turn, closed: Callable[[ToolCall], None]
) -> AsyncGenerator[TextDelta | Heard, None]:
    """What the planned model says to `turn`, back through the boundary that the turn went out by."""
    said = ask(plan.route.backend, turn, closed)
    if plan.boundary is not None:
        said = plan.boundary.incoming(said, form=turn.output_schema is not None)
    return run.journal.hear(run.step, plan.route.backend.name, said) if run.journal else said


def _message(result: ToolResult) -> ToolMessage:
    return ToolMessage(content=result.content, tool_call_id=result.call_id, name=result.name)


def _stop(final: Final) -> StopReason:
    if final.client_calls:
        return "client_calls"
    match final.incomplete:
        case None:
            return "answer"
        case Incomplete(reason="max_output_tokens"):
            return "length"
        case Incomplete(reason="approval_required"):
            return "interrupted"
        case Incomplete():
            return "incomplete"
