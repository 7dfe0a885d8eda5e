"""What a run was asked and what happened in it, as plain data: what watchers read, and what is stored.

Pure. Costs in US dollars, durations in seconds, times in seconds since the epoch. `named_events` gives these
forms their names, and `folding` folds them into a run's record.
"""

from __future__ import annotations

from typing import Any

from gateway.agent.events import ApprovalDecided, CallAccepted, CallRefused, TurnFinished
from gateway.agent.run import Escalation, HeldCall, Incomplete, Outcome, RunRequest
from gateway.context.receipt import Shortened
from gateway.transcript import to_chat
from routing.backend import NamedTool, ToolChoice, Usage
from tools.dry_run import REAL, DryRun
from tools.spec import ToolResult

JSONObject = dict[str, Any]


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
