"""The bodies of a chat answer: the whole one, and the chunks of a stream. Pure, in OpenAI's shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.agent import trace
from gateway.agent.run import Outcome, RunRequest
from gateway.agent.wording import confession
from gateway.api.encoding import encode

JSONObject = dict[str, Any]


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Ending:
    """What the end of an answer is made of. `calls` counts all that were accepted, the client's too.

    `logprobs` are the answer's in OpenAI's shape, None where none were asked for or told.
    """

    outcome: Outcome
    calls: int
    logprobs: JSONObject | None = None


class ChatAnswer:
    """Writes the answer of one run.

    `model` is the name that the client asked for; `created_at` is in seconds since the epoch.
    With `nulls_usage` every chunk carries `usage: null`, as OpenAI does before a usage chunk.
    """

    def __init__(
        self, run: RunRequest, model: str, created_at: float, *, nulls_usage: bool = False
    ) -> None:
        self._run = run
        self._head: JSONObject = {
            "id": "chatcmpl-" + run.run_id.removeprefix("run_"),
            "created": int(created_at),
            "model": model,
        }
        self._nulls_usage = nulls_usage
        self._around_text: tuple[bytes, bytes] | None = None

    def whole(self, ending: Ending) -> JSONObject:
        """A `chat.completion`."""
        outcome, refusal = ending.outcome, self._refusal(ending.outcome)
        silent = not outcome.text and (outcome.client_calls or refusal)
        message: JSONObject = {
            "role": "assistant",
            "content": None if silent else outcome.text,
            "refusal": refusal,
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
                    "logprobs": ending.logprobs,
                    "finish_reason": finish_reason(outcome),
                }
            ],
            "usage": trace.usage(outcome.usage),
            "gateway": receipt(self._run.run_id, outcome, ending.calls),
        }

    def role_chunk(self) -> bytes:
        """The first chunk: who speaks."""
        return _event(self._chunk({"role": "assistant", "content": "", "refusal": None}))

    def text_chunk(self, text: str) -> bytes:
        """A piece of text. The hot path: only the text itself is encoded."""
        before, after = self._around_text or self._split()
        return before + encode(text) + after

    def last_chunks(self, ending: Ending, *, include_usage: bool) -> bytes:
        """Calls or refusal, log-probabilities if told, the finish with its receipt, usage if asked."""
        outcome = ending.outcome
        chunks = [
            _event(self._chunk({"tool_calls": [{"index": index, **call}]}))
            for index, call in enumerate(_tool_calls(outcome))
        ]
        if (refusal := self._refusal(outcome)) is not None:
            chunks.append(_event(self._chunk({"refusal": refusal})))
        if ending.logprobs is not None:
            told = self._chunk({})
            told["choices"][0]["logprobs"] = ending.logprobs
            chunks.append(_event(told))
        finish = self._chunk({}, finish_reason(outcome))
        finish["gateway"] = receipt(self._run.run_id, outcome, ending.calls)
        chunks.append(_event(finish))
        if include_usage:
            usage = self._chunk({})
            usage.update(choices=[], usage=trace.usage(outcome.usage))
            chunks.append(_event(usage))
        return b"".join(chunks)

    def _refusal(self, outcome: Outcome) -> str | None:
        """Why there is no structured answer: its text holds nothing but JSON."""
        if self._run.output_schema is None or outcome.text or outcome.incomplete is None:
            return None
        return confession(outcome.incomplete, self._run.messages)

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
        "saved_usd": outcome.saved_usd,
    }
    extension |= trace.dryness(outcome.dry)
    if outcome.shortened:
        extension["context"] = [trace.shortening(each) for each in outcome.shortened]
    if outcome.tiers:
        extension["tiers"] = list(outcome.tiers)
    if outcome.incomplete is not None:
        extension["incomplete_details"] = trace.incomplete(outcome.incomplete)
    if outcome.suspended is not None:
        extension["approvals"] = [trace.approval(each) for each in outcome.suspended.held]
    if outcome.code is not None:
        extension["code"] = [
            {"language": block.language, "code": block.code} for block in outcome.code
        ]
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
