"""The state of one run while it goes: what the loop alone reads and writes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from mistral_common.protocol.instruct.messages import ChatMessage, ToolMessage

from gateway.agent.ask import Heard
from gateway.agent.boundary import Boundary
from gateway.agent.code_blocks import code_blocks
from gateway.agent.doubt import receipt_of
from gateway.agent.form import AnswerForm
from gateway.agent.journal import Journal
from gateway.agent.offering import Offer, OfferOptions
from gateway.agent.progress import Progress
from gateway.agent.result_budget import ResultBudget
from gateway.agent.run import (
    Escalation,
    HeldCall,
    Incomplete,
    Outcome,
    RunRequest,
    StopReason,
    Suspended,
)
from gateway.agent.screening import Screening
from gateway.agent.steps import Escalate, Final
from gateway.agent.verdict import Verdict
from gateway.context.receipt import Shortened
from gateway.files import keep_file
from gateway.storage.files import FileStore
from policies.decision import Allow
from policies.policy import Policy, Subject
from routing.backend import Completion, TextDelta, Usage
from routing.escalation import Evidence
from routing.router import Route, Router
from tools.executor import CallContext
from tools.registry import Registry
from tools.results import MOST_KEPT, KeptResults
from tools.spec import ToolResult
from tools.toolset import Toolset

if TYPE_CHECKING:  # early.py runs calls for a run
    from gateway.agent.early import EarlyReads

_MOST_LOANS = 3
"""Decisions lent in one run under `auto`: an intermediary that needs more is not the right one."""
_MOST_RESERVE_S = 5.0
_RESERVE_SHARE = 0.1


@dataclass(slots=True)
class Working:
    """One run's transcript, account and doubts. `deadline` is a reading of the loop's clock.

    `form` is what the answer has to be, None for free text; `rejections` counts the answers that were
    not. `escalation_allowed` is what policy says, where there is an expert. `unknown_usd` is what turns that
    were cut off may have cost: it counts against the budget and is in no receipt. `kept` are results
    that are too long to be shown, if there are any. `boundary` hides what is private from the expert. With
    `reads_early` reads may begin while a model still speaks; `early` are those of this turn. `journal` is there
    in durable runs.
    """

    request: RunRequest
    offer: Offer
    router: Router
    deadline: float
    messages: list[ChatMessage]
    form: AnswerForm | None = None
    journal: Journal | None = None
    escalation_allowed: bool = True
    rejections: int = 0
    kept: KeptResults | None = None
    result_budget: ResultBudget = field(default_factory=ResultBudget)
    result_tokens: int = 0
    files: FileStore | None = None
    boundary: Boundary | None = field(default=None, repr=False)
    step: int = 0
    calls_run: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    unknown_usd: float = 0.0
    loan: Escalate | None = None
    saved_usd: float = 0.0
    shown_in_turn: bool = False
    reads_early: bool = False
    early: EarlyReads | None = None
    screening: Screening = field(default_factory=Screening)
    progress: Progress = field(default_factory=Progress)
    escalations: list[Escalation] = field(default_factory=list[Escalation])
    unresolved: list[Incomplete] = field(default_factory=list[Incomplete])
    shortened: list[Shortened] = field(default_factory=list[Shortened])
    tiers: list[str] = field(default_factory=list[str])
    _text: list[str] = field(default_factory=list[str])
    _loans: int = 0
    _subject: Subject | None = field(default=None, repr=False)

    @classmethod
    def begin(
        cls,
        request: RunRequest,
        registry: Registry,
        policies: Policy,
        router: Router,
        offers: OfferOptions,
        *,
        read: RunRequest,
    ) -> Working:
        """Choose the tools of this run. Raises `RegistrationError` for the app's own, and its schema.

        `read` is the request with its messages as the rules let them be read.
        """
        subject = subject_of(request)
        offer = Offer(read, subject, registry, policies, offers)
        form = None if request.output_schema is None else AnswerForm(request.output_schema)
        deadline = asyncio.get_running_loop().time() + request.limits.deadline_s
        run = cls(request, offer, router, deadline, list(read.messages), form)
        if router.has_expert:
            run.escalation_allowed = isinstance(policies.on_escalate(subject, "expert"), Allow)
        if request.context.strategy == "refuse":  # else a full window is what was asked for
            run.progress.know_window(router.members["intermediary"].backend.context_tokens)
        return run

    @property
    def toolset(self) -> Toolset:
        """The tools that may be called now."""
        return self.offer.toolset

    @property
    def subject(self) -> Subject:
        """What rules are told of the run; the same one until something of it changes."""
        kept, request = self._subject, self.request
        if (
            kept is not None
            and kept.step == self.step
            and kept.cost_usd == self.cost_usd
            and kept.messages is self.messages
        ):
            return kept
        self._subject = Subject(
            request.run_id,
            request.tenant,
            request.key,
            request.caller_role,
            step=self.step,
            cost_usd=self.cost_usd,
            model=request.role,
            messages=self.messages,
            asked=len(request.messages),
        )
        return self._subject

    @property
    def nothing_done(self) -> bool:
        """Whether the run may still fail as if it had never begun."""
        return len(self.messages) == len(self.request.messages) and not self._text

    @property
    def answer_reserve_s(self) -> float:
        """Seconds at the end that are kept for the answer."""
        return min(_MOST_RESERVE_S, self.request.limits.deadline_s * _RESERVE_SHARE)

    @property
    def calls_left(self) -> int | None:
        """How many calls may still be run here; None when nobody bounds them."""
        most = self.request.limits.max_tool_calls
        return None if most is None else max(most - self.calls_run, 0)

    def remaining_s(self) -> float:
        return self.deadline - asyncio.get_running_loop().time()

    def begin_step(self) -> None:
        """Another decision is due; under `always` each is the expert's."""
        self.step += 1
        self.shown_in_turn = False
        always = self.request.escalation == "always" and not self.unresolved
        if always and self.loan is None and self._may_ask_expert():
            self.loan = Escalate("always", "The request asks for the expert.")

    def call_context(self) -> CallContext:
        """For the calls of this step: time is left over for an answer."""
        key = f"{self.request.run_id}:{self.step}"
        deadline = self.deadline - self.answer_reserve_s
        ids = (self.request.run_id, self.request.tenant)
        keep = None if self.files is None else partial(keep_file, self.files, *ids[::-1])
        return CallContext(*ids, key, deadline, self.step, MOST_KEPT, keep, self.request.limits.dry)

    def keeper(self) -> KeptResults | None:
        """Where results are kept that are too long, with a tool to read on; None where there may be none."""
        if self.kept is None:
            self._keep_on({})
        return self.kept

    def _keep_on(self, texts: Mapping[str, str]) -> None:
        kept = KeptResults(texts)
        if self.offer.admit(kept.reader()):
            self.kept = kept

    def show(self, text: str) -> TextDelta:
        """Text that goes out now. Texts of different turns are set apart by an empty line."""
        if self._text and not self.shown_in_turn:
            text = "\n\n" + text
        self.shown_in_turn = True
        self._text.append(text)
        return TextDelta(text)

    def add_paragraph(self, text: str) -> TextDelta:
        """Something that the gateway itself has to say, behind whatever the models said."""
        self.shown_in_turn = False
        return self.show(text)

    def replace_text(self, text: str) -> TextDelta:
        """What a rule made of the whole text, of which nothing has gone out yet."""
        self._text = [text]
        return TextDelta(text)

    @property
    def tells_logprobs(self) -> bool:
        """Whether they are asked for, and tell nothing that a rule took out."""
        return self.request.logprobs and not self.screening.changed

    @property
    def text(self) -> str:
        return "".join(self._text)

    def spend(self, route: Route, completion: Completion) -> float:
        """Account for a turn; gives its cost in US dollars."""
        cost = route.member.cost(completion)
        self.usage += completion.usage
        self.cost_usd += cost
        if route.role == "intermediary" and self.router.has_expert:
            self.saved_usd += self._experts_price(completion.usage) - cost
        return cost

    def _experts_price(self, usage: Usage) -> float:
        return self.router.members["expert"].price(usage)

    def known(self, evidence: Evidence) -> Evidence:
        """Evidence together with what is left of money and time."""
        limit = self.request.limits.max_cost_usd
        left = 1.0 if not limit else max(1.0 - (self.cost_usd + self.unknown_usd) / limit, 0.0)
        return replace(evidence, budget_left=left, time_left_s=self.remaining_s())

    def may_lend(self) -> bool:
        """Whether one more decision may go to the expert."""
        allowed = self.request.escalation == "auto" and self._loans < _MOST_LOANS
        return allowed and self._may_ask_expert()

    def _may_ask_expert(self) -> bool:
        routed = self.request.role == "gateway" and self.router.has_expert
        return routed and self.escalation_allowed

    def lend(self, step: Escalate) -> None:
        """The next decision is the expert's; where none may be asked, the matter is unresolved."""
        self.progress.start_afresh()
        if self.may_lend():
            self._loans += 1
            self.loan = step
            if (
                step.held is not None
            ):  # the turn was paid for, and another is asked for in its place
                self.saved_usd -= self._experts_price(step.held.heard.completion.usage)
        else:
            code = "unresolved_call" if self.router.has_expert else "no_expert"
            self.unresolved.append(Incomplete(code, step.detail))

    def drop_loan(self, why_not: Incomplete) -> bool:
        """A loan that can't be paid for is given up; gives whether the run goes on without it."""
        if self.loan is None:
            return False
        self.loan = None
        self.unresolved.append(why_not)
        return True

    def close_loan(
        self, loan: Escalate, route: Route, decided: Heard | str, cost_usd: float = 0.0
    ) -> Escalation:
        """The expert has decided, or failed to (`decided` says how): write the receipt.

        After a failure the loan goes on to the next model, if there is one.
        """
        failed = decided if isinstance(decided, str) else None
        more = loan.attempt + 1 < self.router.experts and not self.shown_in_turn
        goes_on = failed is not None and more
        self.loan = replace(loan, attempt=loan.attempt + 1) if goes_on else None
        receipt = receipt_of(self.step, loan, route.backend.model, decided, goes_on=goes_on)
        receipt = replace(receipt, cost_usd=cost_usd, saved_usd=self.saved_usd)
        if self.boundary is not None:
            receipt = self.boundary.receipt(receipt, self.toolset)
        self.escalations.append(receipt)
        return receipt

    def remember(self, verdict: Verdict, results: Sequence[ToolResult]) -> None:
        """Append a judged turn and its observations, in the order of the calls."""
        self.messages.append(verdict.message)
        by_id = {result.call_id: result for result in (*verdict.answered, *results)}
        for call in verdict.message.tool_calls or ():
            if (result := by_id.get(call.id)) is not None:
                self.messages.append(
                    ToolMessage(content=result.content, tool_call_id=call.id, name=result.name)
                )

    def suspend(self, held: tuple[HeldCall, ...]) -> Suspended:
        """All that another process needs to go on with this run."""
        return Suspended(
            self.request,
            tuple(self.messages),
            held,
            self.step,
            self.calls_run,
            self.usage,
            self.cost_usd,
            self.saved_usd,
            tuple(self._text),
            self._loans,
            self.rejections,
            tuple(self.escalations),
            tuple(self.unresolved),
            tuple(self.shortened),
            self.unknown_usd,
            tuple(self.tiers),
            self.offer.versions(),
            {} if self.kept is None else self.kept.texts,
            self.result_tokens,
            self.offer.searches,
        )

    def restore(self, kept: Suspended) -> None:
        """Go on where a run was suspended, with a deadline of its own: people take their time."""
        self.messages, self._text = list(kept.messages), list(kept.text)
        if kept.tools is None:
            self.offer.keep(kept.messages)
        else:
            self.offer.pin(kept.tools)
        if kept.searches:  # there may be so few tools by now that none would be chosen
            self.offer.search_on()
        self.step, self.calls_run, self._loans = kept.step, kept.calls_run, kept.loans
        self.usage, self.cost_usd, self.saved_usd = kept.usage, kept.cost_usd, kept.saved_usd
        self.unknown_usd = kept.unknown_usd
        self.rejections, self.escalations = kept.rejections, list(kept.escalations)
        self.unresolved, self.shortened = list(kept.unresolved), list(kept.shortened)
        self.tiers = list(kept.tiers)
        self.result_tokens = kept.result_tokens
        if kept.kept:
            self._keep_on(kept.kept)

    def outcome(self, final: Final, stop: StopReason) -> Outcome:
        """The run as it ended."""
        return Outcome(
            stop=stop,
            text=self.text,
            client_calls=final.client_calls,
            incomplete=final.incomplete,
            steps=self.step,
            usage=self.usage,
            cost_usd=self.cost_usd,
            saved_usd=self.saved_usd,
            escalations=tuple(self.escalations),
            hidden=self._hidden(final),
            code=code_blocks(self.text) if self.request.extract_code else None,
            shortened=tuple(self.shortened),
            suspended=final.suspended,
            tiers=tuple(self.tiers),
            dry=self.request.limits.dry,
        )

    def _hidden(self, final: Final) -> tuple[ChatMessage, ...]:
        if not final.client_calls:
            return ()
        own = tuple(self.messages[len(self.request.messages) :])
        calls = getattr(own[0], "tool_calls", None) or ()
        return () if len(own) == 1 and len(calls) == len(final.client_calls) else own


def subject_of(request: RunRequest) -> Subject:
    """On whose behalf, and with what conversation, a run is about to begin."""
    return Subject(
        request.run_id,
        request.tenant,
        request.key,
        request.caller_role,
        model=request.role,
        messages=request.messages,
        asked=len(request.messages),
    )
