"""Calling one tool without a model, for an app or an MCP client.

The call goes the way of a model's: checked against its schema, asked of policy, written down before it
changes something, run as its effect allows, its result asked of policy again. Whichever surface asks, it
is done here; the surfaces only word the outcome. It is recorded as a run of one turn, whose decision was
the app's, and can be cancelled like one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.access.principal import Principal
from gateway.agent.events import (
    CallAccepted,
    CallRefused,
    Observation,
    RunFinished,
    RunStarted,
    TurnFinished,
    TurnStarted,
)
from gateway.agent.observe import observe
from gateway.agent.run import Incomplete, Limits, Outcome, RunRequest, new_run_id
from gateway.api.ending import record_end
from gateway.live import Stop
from gateway.services import Services
from gateway.storage.runs import RunLog
from policies.decision import ALLOW, Allow, Deny, RequireApproval
from policies.policy import Subject
from routing.backend import Usage
from routing.native import new_call_id
from tools.dry_run import REAL, DryRun
from tools.executor import CallContext
from tools.spec import InvalidCall, ToolResult, ValidCall
from tools.toolset import Toolset

_STEP = 1


@dataclass(frozen=True, slots=True)
class Ran:
    """The call was run; a tool that failed is a result too."""

    call: ValidCall
    result: ToolResult


CallOutcome = Ran | InvalidCall | Deny | RequireApproval


def subject_of(caller: Principal) -> Subject:
    """The caller as policies see it, with an id of its own for what it does now."""
    return Subject(new_run_id(), caller.tenant, caller.key, caller.role)


async def call_once(
    services: Services,
    toolset: Toolset,
    subject: Subject,
    name: str,
    arguments: Mapping[str, Any],
    *,
    dry: DryRun = REAL,
) -> CallOutcome:
    """Check against `toolset`, ask, run; within the operator's deadline for a whole run.

    What `dry` covers is not made, and neither is what the operator's settings do.

    `subject.run_id` is the run that it is recorded as. When the caller goes away a read is cut, and a
    write that was begun is brought to its end. Raises `Stopped` when it was cancelled.
    """
    request = RunRequest(
        messages=(),
        tool_globs=(name,),
        role="none",
        limits=replace(services.limits, dry=services.limits.dry.widened(dry)),
        run_id=subject.run_id,
        tenant=subject.tenant,
        key=subject.key,
        caller_role=subject.role,
    )
    raw = json.dumps(arguments, ensure_ascii=False)
    call = ToolCall(id=new_call_id(), function=FunctionCall(name=name, arguments=raw))
    log = services.store.begin(request)
    log.append(RunStarted(request, (name,)))
    log.append(TurnStarted(_STEP, "app", "", "called directly"))
    log.append(TurnFinished(_STEP, "", 1, "tool_calls", Usage(), 0.0, 0.0))
    try:
        with Stop() as stop:
            services.live.add(subject.tenant, subject.run_id, stop)
            try:
                return await _call(services, toolset, subject, call, log, limits=request.limits)
            finally:
                services.live.remove(subject.tenant, subject.run_id)
    except BaseException as error:
        record_end(log, error, "nobody waits for it")
        raise


async def _call(
    services: Services,
    toolset: Toolset,
    subject: Subject,
    call: ToolCall,
    log: RunLog,
    *,
    limits: Limits,
) -> CallOutcome:
    checked = toolset.check(call)
    if isinstance(checked, InvalidCall):
        return _refused(log, call, checked)
    decision = services.policies.on_call(subject, checked)
    if isinstance(decision, RequireApproval) and limits.dry.covers(checked.tool):
        checked, decision = replace(checked, approval=decision.reason), ALLOW
    if services.policies.limits_rates and isinstance(decision, Allow):
        decision = (await services.policies.admit_calls(subject, [checked])).get(call.id, decision)
    if not isinstance(decision, Allow):
        return _refused(log, call, decision)
    log.append(CallAccepted(_STEP, checked, client=False))
    deadline = asyncio.get_running_loop().time() + limits.deadline_s
    key = f"{subject.run_id}:{_STEP}"
    context = CallContext(subject.run_id, subject.tenant, key, deadline, _STEP, dry=limits.dry)
    [result] = await observe([checked], toolset, context, services.writes)
    result = services.policies.on_result(subject, checked, result)
    log.append(Observation(_STEP, result))
    log.append(RunFinished(Outcome("answer", "", steps=_STEP)))
    return Ran(checked, result)


def _refused(
    log: RunLog, call: ToolCall, why: InvalidCall | Deny | RequireApproval
) -> InvalidCall | Deny | RequireApproval:
    """`why`, and the end of the run that it is."""
    invalid = why if isinstance(why, InvalidCall) else None
    match why:
        case InvalidCall(message=reason):
            missing, stop = Incomplete("invalid_call", reason), "incomplete"
        case Deny(reason):
            missing, stop = Incomplete("denied", reason), "denied"
        case RequireApproval(reason):
            missing, stop = Incomplete("approval_required", reason), "incomplete"
    log.append(CallRefused(_STEP, call.id, call.function.name, reason, invalid))
    log.append(RunFinished(Outcome(stop, "", incomplete=missing, steps=_STEP)))
    return why
