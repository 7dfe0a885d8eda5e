"""The bodies of a chat answer: the whole one, and the chunks of a stream. Pure, in OpenAI's shapes."""

from __future__ import annotations

from typing import Any

from gateway.agent import trace
from gateway.agent.run import Outcome, RunRequest
from gateway.api.encoding import encode

JSONObject = dict[str, Any]


class ChatAnswer:
    """Writes the answer of one run.

    `model` is the name that the client asked for; `created_at` is in seconds since the epoch.
    With `nulls_usage` every chunk carries `usage: null`, as OpenAI does before a usage chunk.
    """

    def __init__(
        self, run: RunRequest, model: str, created_at: float, *, nulls_usage: bool = False
    ) -> None:
        self._run_id = run.run_id
        self._head: JSONObject = {
            "id": "chatcmpl-" + run.run_id.removeprefix("run_"),
            "created": int(created_at),
            "model": model,
        }
        self._nulls_usage = nulls_usage
        self._around_text: tuple[bytes, bytes] | None = None

    def whole(self, outcome: Outcome, calls: int) -> JSONObject:
        """A `chat.completion`. `calls` counts all that were accepted, the client's too."""
        message: JSONObject = {
            "role": "assistant",
            "content": outcome.text if outcome.text or not outcome.client_calls else None,
            "refusal": None,
        }
        if outcome.client_calls:
            message["tool_calls"] = _tool_calls(outcome)
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": finish_reason(outcome),
                }
            ],
            "usage": trace.usage(outcome.usage),
            "gateway": receipt(self._run_id, outcome, calls),
        }

    def role_chunk(self) -> bytes:
        """The first chunk: who speaks."""
        return _event(self._chunk({"role": "assistant", "content": "", "refusal": None}))

    def text_chunk(self, text: str) -> bytes:
        """A piece of text. The hot path: only the text itself is encoded."""
        before, after = self._around_text or self._split()
        return before + encode(text) + after

    def last_chunks(self, outcome: Outcome, calls: int, *, include_usage: bool) -> bytes:
        """The client's calls, each whole; the finish chunk with the receipt; the usage if asked."""
        chunks = [
            _event(self._chunk({"tool_calls": [{"index": index, **call}]}))
            for index, call in enumerate(_tool_calls(outcome))
        ]
        finish = self._chunk({}, finish_reason(outcome))
        finish["gateway"] = receipt(self._run_id, outcome, calls)
        chunks.append(_event(finish))
        if include_usage:
            usage = self._chunk({})
            usage.update(choices=[], usage=trace.usage(outcome.usage))
            chunks.append(_event(usage))
        return b"".join(chunks)

    def _chunk(self, delta: JSONObject, reason: str | None = None) -> JSONObject:
        chunk: JSONObject = {
            **self._head,
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}],
        }
        if self._nulls_usage:
            chunk["usage"] = None
        return chunk

    def _split(self) -> tuple[bytes, bytes]:
        """A text chunk in two halves around its text."""
        mark = b'"\\u0000"'
        before, after = _event(self._chunk({"content": "\x00"})).split(mark)
        self._around_text = before, after
        return before, after


def receipt(run_id: str, outcome: Outcome, calls: int) -> JSONObject:
    """The extension object `gateway` of an answer: what it took. Costs in US dollars."""
    extension: JSONObject = {
        "run_id": run_id,
        "steps": outcome.steps,
        "calls": calls,
        "escalations": [trace.escalation(each) for each in outcome.escalations],
        "cost_usd": outcome.cost_usd,
    }
    if outcome.incomplete is not None:
        extension["incomplete_details"] = trace.incomplete(outcome.incomplete)
    return extension


def finish_reason(outcome: Outcome) -> str:
    """OpenAI's word for how the answer ended."""
    if outcome.client_calls:
        return "tool_calls"
    cut = outcome.incomplete is not None and outcome.incomplete.reason == "max_output_tokens"
    return "length" if outcome.stop == "length" or cut else "stop"


def _tool_calls(outcome: Outcome) -> list[JSONObject]:
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments_json()},
        }
        for call in outcome.client_calls
    ]


def _event(chunk: JSONObject) -> bytes:
    return b"data: " + encode(chunk) + b"\n\n"
