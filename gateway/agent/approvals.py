"""Calls that wait for a person: how they are put down, and what is made of a decision.

What it is: the loop's part of approvals. Keeping them is `gateway.storage.suspensions`' business, asking
people that of the surface.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

import orjson
from mistral_common.protocol.instruct.messages import AssistantMessage, ToolMessage
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.agent.events import ApprovalDecided, CallAccepted, CallRefused, Observation
from gateway.agent.run import Decided, HeldCall, Incomplete, Resumed
from gateway.agent.steps import Final
from gateway.agent.verdict import Verdict, advice
from gateway.agent.working import Working
from policies.decision import Deny
from policies.policy import Policy
from tools.spec import Failure, InvalidCall, ToolResult, ValidCall

_VERSION_GONE = "tool_version_gone"
_APP_IS_GONE = "Approved, but the app that would run it is gone. Answer with what is known."
_REJECTED = "A person decided against this call."

RunTools = Callable[[Working, Sequence[ValidCall]], Awaitable[list[ToolResult]]]


def version_gone(run: Working) -> Final | None:
    """The end of a run of which something that people approved can't be run as it was."""
    gone = (each for each in run.unresolved if each.reason == _VERSION_GONE)
    missing = next(gone, None)
    return None if missing is None else Final(incomplete=missing)


def held_calls(run: Working, verdict: Verdict) -> tuple[HeldCall, ...]:
    """The calls of a judged turn that wait for a person, as people will see them."""
    if not verdict.held:
        return ()
    until = time.time() + run.request.limits.approval_s
    return tuple(
        HeldCall(
            call.id,
            run.step,
            call.name,
            call.arguments,
            call.tool.effect,
            approval.reason,
            approval.rule,
            until,
        )
        for call, approval in verdict.held
    )


async def carry_out(
    run: Working, resumed: Resumed, policies: Policy, run_tools: RunTools
) -> AsyncGenerator[ApprovalDecided | CallAccepted | CallRefused | Observation, None]:
    """Do as people decided, in the order of the calls, and remember it as if there had been no pause.

    Rules and schema are asked again: both may have changed. A denial stands, whoever approves.
    """
    for held in resumed.suspended.held:
        said = resumed.decisions[held.call_id]
        yield ApprovalDecided(run.step, held.call_id, held.name, said)
        checked = _checked(run, held, said)
        refused = await _refused(run, checked, said, policies)
        if said.decision != "reject" and (why := _version_gone(run, resumed, held)) is not None:
            run.unresolved += (Incomplete(_VERSION_GONE, why),)
            refused = why
        if refused is None and isinstance(checked, ValidCall):
            yield CallAccepted(run.step, checked, client=False)
            [result] = await run_tools(run, [checked])
        else:
            invalid = checked if isinstance(checked, InvalidCall) else None
            why = refused or _APP_IS_GONE
            yield CallRefused(run.step, held.call_id, held.name, why, invalid)
            content = orjson.dumps({"error": why}).decode()
            result = ToolResult(held.call_id, held.name, content, Failure.DENIED)
        yield Observation(run.step, result)
        _remember(run, held, said, result)


def _version_gone(run: Working, resumed: Resumed, held: HeldCall) -> str | None:
    """Why the call can't be run as it was approved, None when it can."""
    versions = resumed.suspended.tools or {}
    if held.name not in versions or held.name in run.offer.at(versions):
        return None
    return f"the version of {held.name} that this run began with is not there any more"


def _checked(run: Working, held: HeldCall, said: Decided) -> ValidCall | InvalidCall:
    arguments = held.arguments if said.arguments is None else said.arguments
    function = FunctionCall(name=held.name, arguments=json.dumps(arguments, ensure_ascii=False))
    return run.toolset.check(ToolCall(id=held.call_id, function=function))


async def _refused(
    run: Working, checked: ValidCall | InvalidCall, said: Decided, policies: Policy
) -> str | None:
    """Why the call does not run, None when it does."""
    if said.decision == "reject":
        return f"{_REJECTED} {said.reason}".strip()
    if isinstance(checked, InvalidCall):
        return advice(checked)
    if run.toolset.is_client(checked.name):
        return _APP_IS_GONE
    denied = policies.on_call(run.subject, checked)
    if policies.limits_rates and not isinstance(denied, Deny):
        denied = (await policies.admit_calls(run.subject, [checked])).get(checked.id)
    return f"Not allowed: {denied.reason}" if isinstance(denied, Deny) else None


def _remember(run: Working, held: HeldCall, said: Decided, result: ToolResult) -> None:
    """The result goes where the call's order puts it; an edited call is remembered as it was run."""
    at = max(i for i, each in enumerate(run.messages) if isinstance(each, AssistantMessage))
    turn = run.messages[at]
    calls = list(turn.tool_calls or ()) if isinstance(turn, AssistantMessage) else []
    if said.arguments is not None:
        edited = FunctionCall(
            name=held.name, arguments=json.dumps(said.arguments, ensure_ascii=False)
        )
        calls = [
            each.model_copy(update={"function": edited}) if each.id == held.call_id else each
            for each in calls
        ]
        run.messages[at] = turn.model_copy(update={"tool_calls": calls})
    results = [*run.messages[at + 1 :]]
    results.append(
        ToolMessage(content=result.content, tool_call_id=result.call_id, name=result.name)
    )
    order = {call.id: place for place, call in enumerate(calls)}
    results.sort(key=lambda each: order.get(getattr(each, "tool_call_id", None) or "", len(order)))
    run.messages[at + 1 :] = results
