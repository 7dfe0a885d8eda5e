"""Calling one tool outside of a run, for an app or an MCP client.

The call goes the way of a model's: checked against its schema, asked of policy, run as its effect
allows, its result asked of policy again. Whichever surface asks, it is done here; the surfaces only
word the outcome. Nothing of it is recorded as a run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.access.principal import Principal
from gateway.agent.observe import observe
from gateway.agent.run import new_run_id
from gateway.services import Services
from policies.decision import Allow, Deny, RequireApproval
from policies.policy import Subject
from routing.native import new_call_id
from tools.executor import CallContext
from tools.spec import InvalidCall, ToolResult, ValidCall
from tools.toolset import Toolset


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
) -> CallOutcome:
    """Check against `toolset`, ask, run; within the operator's deadline for a whole run.

    When the caller goes away a read is cut, and a write that was begun is brought to its end.
    """
    raw = json.dumps(arguments, ensure_ascii=False)
    call = ToolCall(id=new_call_id(), function=FunctionCall(name=name, arguments=raw))
    checked = toolset.check(call)
    if isinstance(checked, InvalidCall):
        return checked
    decision = services.policies.on_call(subject, checked)
    if not isinstance(decision, Allow):
        return decision
    deadline = asyncio.get_running_loop().time() + services.limits.deadline_s
    context = CallContext(subject.run_id, subject.tenant, subject.run_id, deadline)
    [result] = await observe([checked], toolset, context, services.writes)
    return Ran(checked, services.policies.on_result(subject, checked, result))
