"""A run's events folded into its record: the trace that people and `GET /v1/runs/{id}` read.

Pure: the same events give the same record. Works on a run that is still going, too. Costs in US
dollars, durations in seconds, times in seconds since the epoch. One entry of `steps` is one model
turn; where a decision was lent to the expert, two entries share a `step`.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, assert_never

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
from gateway.agent.run import Escalation, HeldCall, Incomplete, Outcome, RunRequest
from gateway.context.receipt import Shortened
from gateway.transcript import to_chat
from routing.backend import NamedTool, ToolChoice, Usage
from tools.dry_run import REAL, DryRun
from tools.spec import ToolResult

JSONObject = dict[str, Any]


def fold(events: Sequence[RunEvent], earlier: JSONObject | None = None) -> JSONObject:
    """The part of the record that follows from the events alone.

    `earlier` is the record of the same run up to where it was interrupted; it is not changed.
    """
    folding = _Folding(deepcopy(earlier))
    for event in events:
        folding.add(event)
    return folding.record


def summary(outcome: Outcome | None) -> JSONObject:
    """How a run ended, without its steps; the empty form while it has not."""
    if outcome is None:
        return {
            "answer": None,
            "incomplete_details": None,
            "usage": usage(Usage()),
            "cost_usd": 0.0,
            "saved_usd": 0.0,
        }
    return {
        "answer": outcome.text,
        "incomplete_details": incomplete(outcome.incomplete),
        "usage": usage(outcome.usage),
        "cost_usd": outcome.cost_usd,
        "saved_usd": outcome.saved_usd,
    }


def request(run: RunRequest) -> JSONObject:
    """What was asked, with the messages in their canonical form."""
    return {
        "model": run.role,
        "messages": to_chat(run.messages),
        "client_tools": [spec.name for spec in run.client_tools],
        "tools": None if run.tool_globs is None else list(run.tool_globs),
        "tool_choice": tool_choice(run.tool_choice),
        "parallel_tool_calls": run.parallel_tool_calls,
        "escalation": run.escalation,
        "priority": run.priority,
        **dryness(run.limits.dry),
        "limits": {
            "max_steps": run.limits.max_steps,
            "deadline_s": run.limits.deadline_s,
            "max_cost_usd": run.limits.max_cost_usd,
        },
    }


def dryness(dry: DryRun) -> JSONObject:
    """Which calls of a run are not executed; nothing where all are."""
    if dry == REAL:
        return {}
    return {"dry_run": dry.calls, **({"dry_run_tools": list(dry.tools)} if dry.tools else {})}


def tool_choice(choice: ToolChoice) -> Any:
    """A choice in OpenAI's shape."""
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.name}}
    return choice


def usage(used: Usage) -> JSONObject:
    """Tokens in OpenAI's shape."""
    return {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.total_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
    }


def escalation(receipt: Escalation) -> JSONObject:
    """The receipt of one decision that was lent."""
    return {
        "step": receipt.step,
        "reason": receipt.reason,
        "detail": receipt.detail,
        "model": receipt.model,
        "usage": usage(receipt.usage),
        "cost_usd": receipt.cost_usd,
        "failed": receipt.failed,
        "taken": receipt.taken,
        "evidence": [each.as_json() for each in receipt.evidence],
        "proposed": [each._asdict() for each in receipt.proposed],
        "decided": [each._asdict() for each in receipt.decided],
        "doubted_usage": usage(receipt.doubted_usage),
        "doubted_cost_usd": receipt.doubted_cost_usd,
        "saved_usd": receipt.saved_usd,
    }


def shortening(receipt: Shortened) -> JSONObject:
    """The receipt of a turn that was shown less than the whole conversation."""
    return {
        "step": receipt.step,
        "strategy": receipt.strategy,
        "dropped_messages": receipt.messages,
        "dropped_tokens": receipt.tokens,
        "kept_messages": receipt.kept,
        "summary": receipt.summary,
        "model": receipt.model or None,
        "summary_usage": usage(receipt.usage),
        "cost_usd": receipt.cost_usd,
        "failed": receipt.failed,
    }


def incomplete(missing: Incomplete | None) -> JSONObject | None:
    """What is missing from an answer, None when nothing is."""
    return None if missing is None else {"reason": missing.reason, "detail": missing.detail}


def result(observed: ToolResult) -> JSONObject:
    """A tool's result as the model read it, and how it came about."""
    return {
        "content": observed.content,
        "failure": observed.failure,
        "elapsed_s": observed.elapsed_s,
        "attempts": observed.attempts,
        "truncated_from": observed.truncated_from,
        **({"dry_run": True} if observed.dry else {}),
    }


class _Folding:
    """The record so far, the turn that is open, and the calls that wait for a result."""

    def __init__(self, earlier: JSONObject | None = None) -> None:
        self.record: JSONObject = earlier or {
            "offered": [],
            "steps": [],
            "escalations": [],
            "context": [],
            "approvals": [],
            **summary(None),
        }
        self._steps: list[JSONObject] = self.record["steps"]
        self._receipts: list[JSONObject] = self.record["escalations"]
        self._approvals: list[JSONObject] = self.record.setdefault("approvals", [])
        self._calls: dict[str, JSONObject] = {}

    def add(self, event: RunEvent) -> None:
        match event:
            case RunStarted():
                self.record["offered"] = list(event.offered)
            case ContextShortened():
                self.record["context"].append(shortening(event.receipt))
            case TurnStarted():
                self._steps.append(_turn(event))
            case TextDelta() | TurnFinished() | CallRefused():
                if self._steps:
                    _add_to_turn(self._steps[-1], event)
            case CallAccepted():
                self._accept(event)
            case ApprovalRequested():
                self._approvals.append(approval(event.held))
            case ApprovalDecided():
                self._decide(event)
            case Observation():
                if (waiting := self._calls.get(event.result.call_id)) is not None:
                    waiting["result"] = result(event.result)
            case Escalated():
                self._receipts.append(escalation(event.receipt))
            case RunFinished():
                self.record.update(summary(event.outcome))
            case _:
                assert_never(event)

    def _decide(self, event: ApprovalDecided) -> None:
        for each in self._approvals:
            if (each["step"], each["call_id"]) == (event.step, event.call_id):
                each.update(decided(event))

    def _accept(self, event: CallAccepted) -> None:
        accepted = call(event)
        accepted["result"] = None
        self._calls[event.call.id] = accepted
        if self._steps:
            self._steps[-1]["calls"].append(accepted)


def _turn(event: TurnStarted) -> JSONObject:
    return {
        "step": event.step,
        "role": event.role,
        "model": event.model,
        "reason": event.reason,
        "text": "",
        "usage": None,
        "cost_usd": 0.0,
        "elapsed_s": None,
        "first_token_s": None,
        "finish_reason": None,
        "notes": [],
        "evidence": [],
        "calls": [],
        "refused": [],
    }


def _add_to_turn(turn: JSONObject, event: TextDelta | TurnFinished | CallRefused) -> None:
    match event:
        case TextDelta():
            turn["text"] += event.text
        case TurnFinished():
            turn.update(decision(event))
        case CallRefused():
            turn["refused"].append(refusal(event))


def decision(event: TurnFinished) -> JSONObject:
    """What a model turn came to."""
    served = event.served
    return {
        "text": event.text,
        "usage": usage(event.usage),
        "cost_usd": event.cost_usd,
        "elapsed_s": event.elapsed_s,
        "first_token_s": event.first_token_s,
        "finish_reason": event.finish_reason,
        "notes": list(event.notes),
        "evidence": [each.as_json() for each in event.evidence],
        **(
            {"model": served.model, "tier": served.tier, "tier_reason": served.why}
            if served
            else {}
        ),
    }


def call(event: CallAccepted) -> JSONObject:
    """A call that was valid and allowed."""
    return {
        "id": event.call.id,
        "name": event.call.name,
        "version": event.call.tool.version,
        "hash": event.call.tool.digest or None,
        "arguments": event.call.arguments,
        "effect": event.call.tool.effect,
        "repairs": list(event.call.repairs),
        "client": event.client,
        **({} if event.call.approval is None else {"approval": event.call.approval}),
    }


def approval(held: HeldCall) -> JSONObject:
    """A call that waits for a person; `decision` is null until they decide."""
    return {
        "call_id": held.call_id,
        "step": held.step,
        "name": held.name,
        "arguments": held.arguments,
        "effect": held.effect,
        "reason": held.reason,
        "rule": held.rule,
        "expires_at": held.expires_at,
        "decision": None,
    }


def decided(event: ApprovalDecided) -> JSONObject:
    """What a person decided about a call."""
    said = event.decided
    return {
        "call_id": event.call_id,
        "step": event.step,
        "name": event.name,
        "decision": said.decision,
        "edited_arguments": said.arguments,
        "decision_reason": said.reason or None,
    }


def refusal(event: CallRefused) -> JSONObject:
    """A call that was not run, and why."""
    invalid = event.invalid
    return {
        "id": event.call_id,
        "name": event.name,
        "reason": event.reason,
        "problem": invalid.problem if invalid else None,
        "path": invalid.path if invalid else None,
        "arguments": invalid.raw_arguments if invalid else None,
    }
