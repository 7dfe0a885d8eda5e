"""A run's events as server-sent events: for those who watch a run, not for those who asked for it."""

from __future__ import annotations

from typing import Any, assert_never

from gateway.agent import trace
from gateway.agent.events import (
    CallAccepted,
    CallRefused,
    Escalated,
    Observation,
    RunEvent,
    RunFinished,
    RunStarted,
    TextDelta,
    TurnFinished,
    TurnStarted,
)
from gateway.api.encoding import encode


def as_sse(event: RunEvent) -> bytes:
    """One event: its name (`call.accepted`) and its data as JSON."""
    name, data = _named(event)
    return b"event: " + name.encode() + b"\ndata: " + encode(data) + b"\n\n"


def _named(event: RunEvent) -> tuple[str, dict[str, Any]]:  # noqa: PLR0911 - one for each event
    match event:
        case RunStarted():
            return "run.started", {"id": event.request.run_id, "offered": list(event.offered)}
        case TurnStarted():
            return "turn.started", {
                "step": event.step,
                "role": event.role,
                "model": event.model,
                "reason": event.reason,
            }
        case TextDelta():
            return "text.delta", {"text": event.text}
        case TurnFinished():
            return "turn.finished", {"step": event.step, **trace.decision(event)}
        case CallAccepted():
            return "call.accepted", {"step": event.step, **trace.call(event)}
        case CallRefused():
            return "call.refused", {"step": event.step, **trace.refusal(event)}
        case Observation():
            return "observation", {
                "step": event.step,
                "id": event.result.call_id,
                "name": event.result.name,
                **trace.result(event.result),
            }
        case Escalated():
            return "escalated", trace.escalation(event.receipt)
        case RunFinished():
            return "run.finished", {"stop": event.outcome.stop, **trace.summary(event.outcome)}
        case _:
            assert_never(event)
