"""A planned turn made to fit its model's window, as the request wishes it: dropped from, or summarised.

Only what the turn shows is shortened; the run's own transcript stays whole. Whatever goes wrong here
leaves a longer turn, never a failed run: the engine itself then says that it is too long.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace

from mistral_common.protocol.instruct.messages import SystemMessage

from gateway.agent.plan import TurnPlan
from gateway.agent.till import Till, Unpayable
from gateway.agent.working import Working
from gateway.context.fitting import Fitted, fitted, prompt_room
from gateway.context.receipt import Shortened
from gateway.context.summaries import Summaries
from gateway.context.summary import summarise, summary_message, summary_turn
from routing.backend import Turn, Usage
from routing.errors import BackendError, BackendRejected
from routing.router import ModelRole, Router

log = logging.getLogger("gateway.agent")

_SUMMARY_TOKENS = 512
_SUMMARY_SHARE = 8
"""A summary takes an eighth of the room at most."""
_AROUND_A_SUMMARY = 32
"""Tokens that say what it is."""
_TIME_SHARE = 0.5
"""Of what is left of the run's time, for a summary; the rest is the answer's."""


@dataclass(frozen=True, slots=True)
class _Summary:
    text: str
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    role: str = ""
    model: str = ""


class Shortener:
    """One for a loop: it remembers the summaries of all runs."""

    def __init__(self, router: Router, till: Till) -> None:
        self._router = router
        self._till = till
        self._summaries = Summaries()

    async def fit(self, run: Working, plan: TurnPlan) -> tuple[TurnPlan, Shortened | None]:
        """The plan as it is where its turn fits or nothing else is wished, else a shorter one."""
        if run.request.context.strategy == "refuse":
            return plan, None
        try:
            async with asyncio.timeout_at(run.deadline):
                return await self._fit(run, plan)
        except TimeoutError:
            return plan, None

    async def _fit(self, run: Working, plan: TurnPlan) -> tuple[TurnPlan, Shortened | None]:
        wished, backend = run.request.context, plan.route.backend
        summarises = wished.strategy == "summarise"
        room = prompt_room(backend, plan.turn)
        most = min(_SUMMARY_TOKENS, room // _SUMMARY_SHARE)
        reserve = most + _AROUND_A_SUMMARY if summarises else 0
        try:
            fit = await fitted(backend, plan.turn, wished, reserve)
        except BackendError as error:
            log.info("the turn is left as it is: %s", error)
            return plan, None
        if not fit.dropped:
            return plan, None
        receipt = Shortened(
            step=run.step,
            strategy=wished.strategy,
            messages=len(fit.dropped),
            tokens=fit.dropped_tokens,
            kept=len(fit.turn.messages),
        )
        if not summarises:
            return replace(plan, turn=fit.turn), receipt
        try:
            answer = Usage(room, max(backend.context_tokens - room, 0))
            kept_back = plan.route.member.price(answer)
            summary = await self._summary(run, fit, most, kept_back)
            receipt = replace(
                receipt,
                role=summary.role,
                model=summary.model,
                usage=summary.usage,
                cost_usd=summary.cost_usd,
            )
            if not summary.text:
                raise BackendRejected("the model gave no summary", backend=backend.name)
            turn = _with_summary(fit, summary)
            if (await backend.count_tokens(turn)).total > room:
                raise BackendRejected("the summary was too long", backend=backend.name)
        except BackendError as error:
            return replace(plan, turn=fit.turn), replace(receipt, failed=str(error))
        return replace(plan, turn=turn), replace(receipt, summary=summary.text)

    async def _summary(
        self, run: Working, fit: Fitted, most: int, kept_back_usd: float
    ) -> _Summary:
        """What was left out said, in `most` tokens; made only where it is not known.

        `kept_back_usd` of the run's budget are for the turn itself.
        """
        tenant, dropped = run.request.tenant, fit.dropped
        covered, earlier = self._summaries.find(tenant, dropped)
        if earlier is not None and covered == len(dropped):
            return _Summary(earlier)
        role: ModelRole = "expert" if run.request.role == "expert" else "intermediary"
        route = self._router.route(role, "summary")
        deadline = asyncio.get_running_loop().time() + run.remaining_s() * _TIME_SHARE
        turn = await summary_turn(
            route.backend, dropped[covered:], earlier=earlier, max_tokens=most, deadline=deadline
        )
        turn = replace(turn, priority=run.request.priority)
        try:
            hold = await self._till.hold(run, route, turn, kept_back_usd)
        except Unpayable as refused:
            raise BackendRejected(f"a summary is not paid for: {refused}") from None
        async with hold:
            made = await summarise(route.backend, hold.turn, deadline)
            hold.pay(made)
        cost = run.spend(route, made)
        text = made.text.strip()
        if text:
            self._summaries.keep(tenant, dropped, text)
        model = made.served.model if made.served else route.backend.model
        return _Summary(text, made.usage, cost, role, model)


def _with_summary(fit: Fitted, summary: _Summary) -> Turn:
    """The shortened turn with the summary behind the system messages it begins with."""
    kept = list(fit.turn.messages)
    place = next((i for i, m in enumerate(kept) if not isinstance(m, SystemMessage)), len(kept))
    kept.insert(place, summary_message(summary.text))
    return replace(fit.turn, messages=tuple(kept))
