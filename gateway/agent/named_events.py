"""A run's events as names and plain data: what watchers are sent, and what is stored of a run."""

from __future__ import annotations

from typing import Any, NamedTuple, assert_never

from gateway.agent import trace
from gateway.agent.events import (
    ApprovalDecided,
    ApprovalRequested,
    CallAccepted,
    CallRefused,
    ContextShortened,
    Escalated,
    Observation,
    RunEvent,
    RunFinished,
    RunStarted,
    TextDelta,
    TurnFinished,
    TurnStarted,
)


class NamedEvent(NamedTuple):
    """`data` is a JSON object."""

    name: str
    data: dict[str, Any]


def named(event: RunEvent) -> NamedEvent:  # noqa: PLR0911 - one for each event
    """An event's name, such as `call.accepted`, and its data."""
    match event:
        case RunStarted():
            return NamedEvent(
                "run.started",
                {
                    "id": event.request.run_id,
                    "offered": list(event.offered),
                    **trace.dryness(event.request.limits.dry),
                },
            )
        case ContextShortened():
            return NamedEvent("context.shortened", trace.shortening(event.receipt))
        case TurnStarted():
            return NamedEvent(
                "turn.started",
                {
                    "step": event.step,
                    "role": event.role,
                    "model": event.model,
                    "reason": event.reason,
                },
            )
        case TextDelta():
            return NamedEvent("text.delta", {"text": event.text})
        case TurnFinished():
            return NamedEvent("turn.finished", {"step": event.step, **trace.decision(event)})
        case CallAccepted():
            return NamedEvent("call.accepted", {"step": event.step, **trace.call(event)})
        case CallRefused():
            return NamedEvent("call.refused", {"step": event.step, **trace.refusal(event)})
        case ApprovalRequested():
            return NamedEvent("approval.requested", trace.approval(event.held))
        case ApprovalDecided():
            return NamedEvent("approval.decided", trace.decided(event))
        case Observation():
            return NamedEvent(
                "observation",
                {
                    "step": event.step,
                    "id": event.result.call_id,
                    "name": event.result.name,
                    **trace.result(event.result),
                },
            )
        case Escalated():
            return NamedEvent("escalated", trace.escalation(event.receipt))
        case RunFinished():
            return NamedEvent(
                "run.finished", {"stop": event.outcome.stop, **trace.summary(event.outcome)}
            )
        case _:
            assert_never(event)
