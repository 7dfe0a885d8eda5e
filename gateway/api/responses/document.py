"""The response object and its items, in the shape that both published type packages accept. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from gateway.agent.run import Incomplete, Outcome
from gateway.api.chat_answer import receipt
from gateway.api.errors import Answer
from gateway.api.responses.request import ResponseRequest
from routing.backend import Usage
from tools.spec import ToolResult, ValidCall

JSONObject = dict[str, Any]

_FILTERED = frozenset({"denied", "approval_required"})
_RATE_LIMITED = 429
_SERVER_SIDE = 500


def head(
    request: ResponseRequest, *, response_id: str, run_id: str, created_at: float
) -> JSONObject:
    """A response as it begins: what was asked, made explicit where it was left open."""
    return {
        "id": response_id,
        "object": "response",
        "created_at": int(created_at),
        "completed_at": None,
        "status": "queued" if request.background else "in_progress",
        "background": bool(request.background),
        "error": None,
        "incomplete_details": None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "model": request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.previous_response_id,
        "conversation": {"id": request.conversation_id} if request.conversation_id else None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": request.stores,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "presence_penalty": request.presence_penalty or 0.0,
        "frequency_penalty": request.frequency_penalty or 0.0,
        "text": request.text_echo(),
        "tool_choice": request.choice.echo,
        "tools": [tool.echo() for tool in request.tools or ()],
        "top_logprobs": request.top_logprobs or 0,
        "truncation": request.truncation or "disabled",
        "usage": None,
        "user": request.user,
        "safety_identifier": request.safety_identifier,
        "prompt_cache_key": request.prompt_cache_key,
        "metadata": dict(request.metadata or {}),
        "gateway": {"run_id": run_id},
    }


def ending(run_id: str, outcome: Outcome, calls: int) -> JSONObject:
    """What the end of its run adds to a response. `calls` counts those that are items."""
    missing = outcome.incomplete
    return {
        "status": "completed" if missing is None else "incomplete",
        "completed_at": int(time.time()) if missing is None else None,
        "incomplete_details": None if missing is None else _incomplete(missing),
        "usage": usage(outcome.usage),
        "gateway": receipt(run_id, outcome, calls),
    }


def _incomplete(missing: Incomplete) -> JSONObject:
    """OpenAI's nearest word as the `reason`; the gateway's own code and a sentence beside it."""
    reason = "content_filter" if missing.reason in _FILTERED else "max_output_tokens"
    return {"reason": reason, "code": missing.reason, "detail": missing.detail}


def usage(used: Usage) -> JSONObject:
    """Tokens in the Responses API's shape."""
    return {
        "input_tokens": used.prompt_tokens,
        "input_tokens_details": {"cached_tokens": used.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": used.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": used.total_tokens,
    }


def error(told: Answer) -> JSONObject:
    """Why a response failed, in OpenAI's words for it."""
    if told.status == _RATE_LIMITED:
        code = "rate_limit_exceeded"
    else:
        code = "server_error" if told.status >= _SERVER_SIDE else "invalid_prompt"
    return {"code": code, "message": told.message}


def message(
    item_id: str, status: str, content: list[JSONObject], phase: str | None = None
) -> JSONObject:
    """A message of the assistant."""
    return {
        "type": "message",
        "id": item_id,
        "status": status,
        "role": "assistant",
        "content": content,
        "phase": phase,
    }


def text_part(text: str, logprobs: list[JSONObject] | None = None) -> JSONObject:
    """A message's text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs or []}


def reasoning(
    item_id: str, summary: Sequence[JSONObject], encrypted_content: str | None, status: str
) -> JSONObject:
    """What was done or thought on the way to an answer."""
    return {
        "type": "reasoning",
        "id": item_id,
        "summary": list(summary),
        "encrypted_content": encrypted_content,
        "status": status,
    }


def function_call(item_id: str, call: ValidCall, arguments: str, status: str) -> JSONObject:
    """A call."""
    return {
        "type": "function_call",
        "id": item_id,
        "call_id": call.id,
        "name": call.name,
        "arguments": arguments,
        "status": status,
    }


def function_call_output(item_id: str, result: ToolResult) -> JSONObject:
    """What a call that ran here brought, as the model reads it."""
    return {
        "type": "function_call_output",
        "id": item_id,
        "call_id": result.call_id,
        "output": result.content,
        "status": "completed",
    }
