"""Runs as OpenTelemetry spans, in the GenAI semantic conventions 1.41.0.

    invoke_agent gateway                     the run                       (internal)
    ├─ chat {model}                          a model turn                  (client)
    └─ execute_tool {name}                   a call that ran here          (internal)

1.41.0 is pinned: the last version before the conventions moved to a repository of their own, and still
in development there. Attributes outside them begin with `gateway.`. Content (messages, arguments,
results) is recorded only where the operator asks for it. Spans are made from events, with parents named:
nothing is attached to OpenTelemetry's ambient context, and no global provider is set.

OpenTelemetry is imported only when tracing is on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gateway.agent.events import (
    CallAccepted,
    ContextShortened,
    Escalated,
    Observation,
    RunEvent,
    RunFinished,
    RunStarted,
    TurnFinished,
    TurnStarted,
)
from gateway.agent.run import RunRequest
from gateway.telemetry.propagation import CURRENT, INCOMING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

    from gateway.telemetry.observing import Ending

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"
AGENT = "gateway"
_FLUSH_MS = 3_000


class Tracing:
    """Watches runs. `providers` are the conventions' names of who serves each role's model.

    `content` records messages, arguments and results too.
    """

    def __init__(
        self,
        provider: TracerProvider,
        providers: Mapping[str, str] | None = None,
        *,
        content: bool = False,
        version: str = "",
    ) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self.propagator = TraceContextTextMapPropagator()
        self.tracer: Tracer = provider.get_tracer("gateway", version, schema_url=SCHEMA_URL)
        self.providers = dict(providers or {})
        self.content = content

    def accept(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the trace that a request's headers name, for the runs of this task."""
        found = {
            name.decode("ascii"): value.decode("latin-1")
            for name, value in headers
            if name in {b"traceparent", b"tracestate"}
        }
        INCOMING.set(found or None)

    def begin(self, request: RunRequest) -> _RunSpans:
        """A run is about to begin."""
        incoming = INCOMING.get()
        parent = self.propagator.extract(incoming) if incoming else None
        return _RunSpans(self, request, parent)

    async def aclose(self) -> None:
        """Send what is left, in three seconds at most."""
        await asyncio.to_thread(self._provider.force_flush, _FLUSH_MS)
        await asyncio.to_thread(self._provider.shutdown)


class _RunSpans:
    """One run: its span, the turn that is open, and the calls that are."""

    def __init__(self, of: Tracing, request: RunRequest, parent: Context | None) -> None:
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind, set_span_in_context

        self._of = of
        self._request = request
        self._kinds = SpanKind
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": AGENT,
            "gen_ai.provider.name": AGENT,
            "gen_ai.request.model": request.role,
            "gateway.run.id": request.run_id,
            **_dryness(request),
            **_sampling(request),
        }
        if of.content:
            asked = [_message(one.role, str(one.content or "")) for one in request.messages]
            attributes["gen_ai.input.messages"] = json.dumps(asked, ensure_ascii=False)
        self._run = of.tracer.start_span(
            f"invoke_agent {AGENT}",
            parent if parent is not None else Context(),
            SpanKind.INTERNAL,
            attributes,
        )
        self._inside = set_span_in_context(self._run, Context())
        self._turn: Span | None = None
        self._calls: dict[str, Span] = {}
        CURRENT.set(self)

    def headers(self, call_id: str | None) -> dict[str, str]:
        """See `propagation.Carrier`."""
        from opentelemetry.context import Context
        from opentelemetry.trace import set_span_in_context

        own = self._turn if call_id is None else self._calls.get(call_id)
        carrier: dict[str, str] = {}
        self._of.propagator.inject(carrier, set_span_in_context(own or self._run, Context()))
        return carrier

    def see(self, event: RunEvent) -> None:
        match event:
            case RunStarted():
                CURRENT.set(self)
            case TurnStarted():
                self._open_turn(event)
            case TurnFinished():
                self._close_turn(event)
            case CallAccepted() if not event.client:
                self._open_call(event)
            case Observation():
                self._close_call(event)
            case Escalated():
                receipt = event.receipt
                told = {
                    "gateway.escalation.reason": receipt.reason,
                    "gateway.step": receipt.step,
                    "gateway.cost_usd": receipt.cost_usd,
                }
                self._run.add_event("gateway.escalated", told)
            case ContextShortened():
                left_out = event.receipt
                seen: dict[str, Any] = {
                    "gateway.step": left_out.step,
                    "gateway.context.strategy": left_out.strategy,
                    "gateway.context.dropped_messages": left_out.messages,
                    "gateway.context.dropped_tokens": left_out.tokens,
                    "gateway.context.summarised": left_out.summary is not None,
                    "gateway.cost_usd": left_out.cost_usd,
                }
                self._run.add_event("gateway.context_shortened", seen)
            case RunFinished():
                self._outcome(event)
            case _:
                pass

    def end(self, ending: Ending, error: BaseException | None) -> None:
        self._abandon_turn()
        for span in self._calls.values():
            _fail(span, "cancelled")
            span.end()
        self._calls.clear()
        if ending != "finished":
            _fail(self._run, ending if error is None else type(error).__name__)
        self._run.set_attribute("gateway.run.ending", ending)
        self._run.end()
        if CURRENT.get() is self:
            CURRENT.set(None)

    def _open_turn(self, event: TurnStarted) -> None:
        self._abandon_turn()
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": self._of.providers.get(event.role, "unknown"),
            "gen_ai.request.model": event.model,
            "gen_ai.request.stream": True,
            "gateway.step": event.step,
            "gateway.role": event.role,
            "gateway.reason": event.reason,
            **_sampling(self._request),
        }
        self._turn = self._of.tracer.start_span(
            f"chat {event.model}", self._inside, self._kinds.CLIENT, attributes
        )
        self._turn.set_attribute("gen_ai.response.model", event.model)

    def _close_turn(self, event: TurnFinished) -> None:
        span, self._turn = self._turn, None
        if span is None:
            return
        span.set_attributes(
            {
                "gen_ai.response.finish_reasons": [event.finish_reason],
                "gen_ai.usage.input_tokens": event.usage.prompt_tokens,
                "gen_ai.usage.output_tokens": event.usage.completion_tokens,
                "gen_ai.usage.cache_read.input_tokens": event.usage.cached_tokens,
                "gateway.cost_usd": event.cost_usd,
            }
        )
        if event.first_token_s is not None:
            span.set_attribute("gen_ai.response.time_to_first_chunk", event.first_token_s)
        if self._of.content:
            said = [{**_message("assistant", event.text), "finish_reason": event.finish_reason}]
            span.set_attribute("gen_ai.output.messages", json.dumps(said, ensure_ascii=False))
        span.end()

    def _abandon_turn(self) -> None:
        """A turn of which nothing was heard to its end."""
        if (span := self._turn) is not None:
            self._turn = None
            _fail(span, "no_answer")
            span.end()

    def _open_call(self, event: CallAccepted) -> None:
        call = event.call
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call.id,
            "gateway.tool.effect": str(call.tool.effect),
        }
        if self._of.content:
            attributes["gen_ai.tool.call.arguments"] = json.dumps(
                call.arguments, ensure_ascii=False, default=str
            )
        self._calls[call.id] = self._of.tracer.start_span(
            f"execute_tool {call.name}", self._inside, self._kinds.INTERNAL, attributes
        )

    def _close_call(self, event: Observation) -> None:
        result = event.result
        if (span := self._calls.pop(result.call_id, None)) is None:
            return
        span.set_attribute("gateway.tool.attempts", result.attempts)
        span.set_attribute("gateway.tool.elapsed_s", result.elapsed_s)
        if result.dry:
            span.set_attribute("gateway.dry_run", True)  # noqa: FBT003 - its value
        if result.failure is not None:
            _fail(span, result.failure.value)
        if self._of.content:
            span.set_attribute("gen_ai.tool.call.result", result.content)
        span.end()

    def _outcome(self, event: RunFinished) -> None:
        outcome = event.outcome
        self._run.set_attributes(
            {
                "gen_ai.response.finish_reasons": [outcome.stop],
                "gen_ai.usage.input_tokens": outcome.usage.prompt_tokens,
                "gen_ai.usage.output_tokens": outcome.usage.completion_tokens,
                "gateway.steps": outcome.steps,
                "gateway.escalations": len(outcome.escalations),
                "gateway.cost_usd": outcome.cost_usd,
            }
        )
        if outcome.incomplete is not None:
            self._run.set_attribute("gateway.incomplete", outcome.incomplete.reason)
        if self._of.content:
            said = [{**_message("assistant", outcome.text), "finish_reason": outcome.stop}]
            self._run.set_attribute("gen_ai.output.messages", json.dumps(said, ensure_ascii=False))


def _fail(span: Span, kind: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _dryness(request: RunRequest) -> dict[str, Any]:
    """Which calls are not made, where there are any."""
    calls = request.limits.dry.calls
    return {} if calls == "none" else {"gateway.dry_run": calls}


def _sampling(request: RunRequest) -> dict[str, Any]:
    """What was asked of the models, without what was left to them."""
    sampling = request.sampling
    asked = {
        "gen_ai.request.temperature": sampling.temperature,
        "gen_ai.request.top_p": sampling.top_p,
        "gen_ai.request.max_tokens": sampling.max_tokens,
        "gen_ai.request.seed": sampling.seed,
        "gen_ai.request.frequency_penalty": sampling.frequency_penalty,
        "gen_ai.request.presence_penalty": sampling.presence_penalty,
        "gen_ai.request.stop_sequences": list(sampling.stop) or None,
    }
    return {name: value for name, value in asked.items() if value is not None}
