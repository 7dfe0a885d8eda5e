"""What the next turn is: which model, which tools, must it answer. Reads a run, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mistral_common.protocol.instruct.messages import ChatMessage
from mistral_common.protocol.instruct.tool_calls import Function, Tool

from gateway.agent.boundary import Boundary
from gateway.agent.run import Incomplete
from gateway.agent.steps import Escalate, Final
from gateway.agent.verdict import ESCALATE
from gateway.agent.working import Working
from gateway.transcript.parts import images_in
from routing.backend import NamedTool, ToolChoice, Turn, Usage
from routing.router import ModelRole, Route, Router

_CHARACTERS_PER_TOKEN = 3.0
"""Cautious: English has about four, so a reservation made from it is rather too high."""
_CHARACTERS_PER_IMAGE = 9_300
"""3,100 tokens: an image of 1,540 by 1,540 pixels, Mistral's largest, in patches of 28."""
_ALTERNATIVES = 8
"""To each token, for margins: a rival that is not among them can't be seen."""
_UNBOUNDED_ANSWER = 1024
"""Tokens reserved for an answer whose length the app did not bound."""

_ESCALATE_TOOL = Tool(
    function=Function(
        name=ESCALATE,
        description="Hand this decision to a more capable model when you are not sure.",
        parameters={
            "type": "object",
            "properties": {"reason": {"type": "string"}},
            "required": ["reason"],
            "additionalProperties": False,
        },
    )
)


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class TurnPlan:
    """One decision to be asked for. `loan` when it is lent to the expert.

    `must_answer` says why no call is possible any more; None while the model is free to call. `boundary` is
    what the turn went through, and what is heard must come back through.
    """

    route: Route
    turn: Turn
    loan: Escalate | None = None
    must_answer: Incomplete | None = None
    boundary: Boundary | None = None


def plan_turn(run: Working, router: Router) -> TurnPlan | Final:
    """The next decision, or the end when there is no time or step left for one."""
    limits = run.request.limits
    if run.remaining_s() <= 0:
        return Final(incomplete=Incomplete("deadline", f"{limits.deadline_s:g} s have passed."))
    if run.step > limits.max_steps:
        return Final(incomplete=Incomplete("max_steps", f"{limits.max_steps} steps are done."))
    must_answer = _must_answer(run)
    loan = run.loan
    role, reason = _role(run, loan)
    route = router.route(role, reason, 0 if loan is None else loan.attempt)
    tools = _tools(run, route, must_answer)
    choice: ToolChoice = "none" if must_answer else _choice(run, tools)
    measured = router.measures and role == "intermediary" and choice != "none"
    turn = Turn(
        messages=tuple(run.messages),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=run.request.parallel_tool_calls,
        sampling=run.request.sampling,
        output_schema=run.request.output_schema,
        max_calls=limits.max_calls_per_turn,
        max_repetition=limits.max_repetition,
        logprobs=run.request.logprobs or measured,
        top_logprobs=max(run.request.top_logprobs, _ALTERNATIVES if measured else 0),
        tells_closed=run.reads_early
        and choice != "none"
        and not _may_doubt_reads(run, router, role),
        deadline=run.deadline,
        priority=run.request.priority,
    )
    return TurnPlan(route, turn, loan, must_answer)


def _role(run: Working, loan: Escalate | None) -> tuple[ModelRole, str]:
    if loan is not None:
        return "expert", loan.reason
    if run.request.role == "gateway":
        return "intermediary", "first" if run.step == 1 else "continues"
    return "expert" if run.request.role == "expert" else "intermediary", "pinned by the request"


def _may_doubt_reads(run: Working, router: Router, role: ModelRole) -> bool:
    """Whether the expert may be asked about a read of this turn: then none is run before that is decided."""
    return role == "intermediary" and run.may_lend() and router.doubts_reads(run.request.tenant)


def _must_answer(run: Working) -> Incomplete | None:
    """Why this turn has to be the answer."""
    if run.unresolved:
        return run.unresolved[0]
    if run.calls_left == 0 and not run.request.client_tools:
        return Incomplete("max_tool_calls", f"{run.calls_run} calls are allowed.")
    if run.step == run.request.limits.max_steps and not run.request.client_tools:
        return Incomplete("max_steps", f"{run.step} steps are allowed.")
    if run.step > 1 and run.remaining_s() <= run.answer_reserve_s:
        return Incomplete("deadline", f"{run.request.limits.deadline_s:g} s are nearly over.")
    return None


def _choice(run: Working, tools: Sequence[Tool]) -> ToolChoice:
    """What the app asked for, in the first turn; a forced choice returns to auto after it."""
    if not tools:
        return "none"
    choice = run.request.tool_choice
    return choice if run.step == 1 or choice == "none" else "auto"


def _tools(run: Working, route: Route, must_answer: Incomplete | None) -> tuple[Tool, ...]:
    tools = run.toolset.tools()
    asks_freely = run.request.tool_choice == "auto" or run.step > 1
    if (
        tools
        and route.role == "intermediary"
        and must_answer is None
        and asks_freely
        and not isinstance(run.request.tool_choice, NamedTool)
        and run.may_lend()
        and ESCALATE not in run.toolset
    ):
        return (*tools, _ESCALATE_TOOL)
    return tools


def can_pay(run: Working, router: Router, turn: Turn) -> bool:
    """Whether money and time are left to ask the expert what `turn` asks: decided, not stumbled into."""
    if run.remaining_s() <= run.answer_reserve_s:
        return False
    limit = run.request.limits.max_cost_usd
    expert = router.route("expert", "").member
    reserved = expert.price(_estimate(turn, expert.backend.context_tokens))
    return limit is None or run.cost_usd + reserved <= limit


def _estimate(turn: Turn, window: int) -> Usage:
    """A cautious guess of a turn's tokens, made before it is paid for; no prompt is above the window."""
    characters = sum(_length(message) for message in turn.messages)
    characters += sum(len(tool.model_dump_json()) for tool in turn.tools)
    answer = turn.sampling.max_tokens or _UNBOUNDED_ANSWER
    prompt = int(characters / _CHARACTERS_PER_TOKEN) + 1
    return Usage(min(prompt, window or prompt), answer)


def _length(message: ChatMessage) -> int:
    images = images_in(message)
    written = len(message.model_dump_json()) - sum(map(len, images))
    return written + _CHARACTERS_PER_IMAGE * len(images)
