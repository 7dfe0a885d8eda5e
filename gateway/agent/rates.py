"""Calls that are allowed as such, but more of them than a rate allows.

What it is: the last word before calls are made, when nothing else holds them any more. So a call that was
lent to the expert, refused, or waits for a person counts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import orjson

from gateway.agent.events import CallAccepted, CallRefused
from gateway.agent.steps import Held
from gateway.agent.working import Working
from policies.decision import Deny
from policies.policy import Policy
from tools.spec import Failure, ToolResult


async def within_rates(held: Held, policies: Policy, run: Working) -> Held:
    """What is carried out, with the calls that have room; the others are refused, and the model reads why."""
    if not policies.limits_rates:
        return held
    verdict = held.verdict
    calls = (*verdict.runnable, *verdict.handed)
    if not calls or not (denied := await policies.admit_calls(run.subject, calls)):
        return held
    refused = tuple(
        ToolResult(
            call.id,
            call.name,
            orjson.dumps({"error": _told(denied[call.id])}).decode(),
            Failure.DENIED,
        )
        for call in calls
        if call.id in denied
    )
    within = replace(
        verdict,
        runnable=tuple(call for call in verdict.runnable if call.id not in denied),
        handed=tuple(call for call in verdict.handed if call.id not in denied),
        answered=(*verdict.answered, *refused),
        events=tuple(_event(each, denied) for each in verdict.events),
    )
    return replace(held, verdict=within)


def _event(
    event: CallAccepted | CallRefused, denied: Mapping[str, Deny]
) -> CallAccepted | CallRefused:
    if isinstance(event, CallRefused) or event.call.id not in denied:
        return event
    call = event.call
    return CallRefused(event.step, call.id, call.name, _told(denied[call.id]), None)


def _told(denied: Deny) -> str:
    return f"Not allowed: {denied.reason}"
