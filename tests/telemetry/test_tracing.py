"""Spans in the GenAI conventions, as an exporter gets them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from mistral_common.protocol.instruct.messages import UserMessage
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from gateway.agent.events import ContextShortened
from gateway.agent.run import Limits, RunRequest
from gateway.context.receipt import Shortened
from gateway.telemetry.otlp import provider_name
from gateway.telemetry.propagation import INCOMING, outgoing_headers
from gateway.telemetry.tracing import SCHEMA_URL, Tracing
from routing.backend import Usage
from routing.backends.scripted import Call, Say
from routing.errors import BackendUnavailable
from tools.dry_run import DryRun

Watch = Callable[..., Awaitable[list[Any]]]

ADD = Call("add", {"a": 2, "b": 3})
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Traces:
    """Tracing into memory."""

    def __init__(self, *, content: bool = False) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        names = {"intermediary": "vllm", "expert": "mistral_ai"}
        self.tracing = Tracing(provider, names, content=content)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def one(self, name: str) -> ReadableSpan:
        [found] = [span for span in self.spans if span.name == name]
        return found


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_dry_run_and_what_it_tells_are_marked(watch: Watch) -> None:
    traces = Traces()
    dry = Limits(dry=DryRun("all"))
    await watch([traces.tracing], [ADD, "It would be 5."], limits=dry)
    assert attributes(traces.one("invoke_agent gateway"))["gateway.dry_run"] == "all"
    assert attributes(traces.one("execute_tool add"))["gateway.dry_run"] is True


async def test_a_run_is_an_agent_with_chats_and_tools_inside(watch: Watch) -> None:
    traces = Traces()
    used = Usage(prompt_tokens=50, completion_tokens=7, cached_tokens=20)
    await watch([traces.tracing], [ADD, Say("It is 5.", usage=used)], run_id="run_1")
    agent = traces.one("invoke_agent gateway")
    assert agent.kind is SpanKind.INTERNAL
    assert agent.instrumentation_scope is not None
    assert agent.instrumentation_scope.schema_url == SCHEMA_URL
    told = attributes(agent)
    assert told["gen_ai.operation.name"] == "invoke_agent"
    assert told["gen_ai.agent.name"] == "gateway"
    assert told["gen_ai.usage.input_tokens"] == 150
    assert told["gen_ai.usage.output_tokens"] == 17
    assert told["gen_ai.response.finish_reasons"] == ("answer",)
    assert told["gateway.run.id"] == "run_1"
    first, second = [span for span in traces.spans if span.name == "chat small"]
    assert agent.context is not None
    for chat in (first, second):
        assert chat.kind is SpanKind.CLIENT
        assert chat.parent is not None
        assert chat.parent.span_id == agent.context.span_id
    assert attributes(first)["gen_ai.response.finish_reasons"] == ("tool_calls",)
    told = attributes(second)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "vllm"
    assert told["gen_ai.request.model"] == told["gen_ai.response.model"] == "small"
    assert told["gen_ai.response.finish_reasons"] == ("stop",)
    assert told["gen_ai.usage.input_tokens"] == 50
    assert told["gen_ai.usage.output_tokens"] == 7
    assert told["gen_ai.usage.cache_read.input_tokens"] == 20
    assert told["gen_ai.response.time_to_first_chunk"] >= 0
    tool = traces.one("execute_tool add")
    assert tool.kind is SpanKind.INTERNAL
    assert tool.parent is not None
    assert tool.parent.span_id == agent.context.span_id
    told = attributes(tool)
    assert told["gen_ai.operation.name"] == "execute_tool"
    assert told["gen_ai.tool.name"] == "add"
    assert told["gen_ai.tool.type"] == "function"
    assert told["gen_ai.tool.call.id"] == "call00001"
    assert tool.status.status_code is StatusCode.UNSET


async def test_content_is_in_no_span_unless_the_operator_asks(watch: Watch) -> None:
    quiet, loud = Traces(), Traces(content=True)
    await watch([quiet.tracing, loud.tracing], [ADD, "It is 5."])
    everything = json.dumps([[attributes(s), [e.name for e in s.events]] for s in quiet.spans])
    assert "What is 2 and 3?" not in everything
    assert "It is 5." not in everything
    assert '"a": 2' not in everything
    agent, tool = loud.one("invoke_agent gateway"), loud.one("execute_tool add")
    [asked] = json.loads(attributes(agent)["gen_ai.input.messages"])
    assert asked == {
        "role": "user",
        "parts": [{"type": "text", "content": "What is 2 and 3?"}],
    }
    [said] = json.loads(attributes(agent)["gen_ai.output.messages"])
    assert said["parts"] == [{"type": "text", "content": "It is 5."}]
    assert json.loads(attributes(tool)["gen_ai.tool.call.arguments"]) == {"a": 2, "b": 3}
    assert "5" in attributes(tool)["gen_ai.tool.call.result"]


async def test_a_failing_tool_and_a_failing_model_are_errors_of_their_spans(watch: Watch) -> None:
    traces = Traces()
    await watch([traces.tracing], [Call("add", {"a": 13, "b": 1}), "No."])
    tool = traces.one("execute_tool add")
    assert tool.status.status_code is StatusCode.ERROR
    assert attributes(tool)["error.type"] == "tool"
    assert traces.one("invoke_agent gateway").status.status_code is StatusCode.UNSET
    traces = Traces()
    with pytest.raises(BackendUnavailable):
        await watch([traces.tracing], [BackendUnavailable("down")])
    assert attributes(traces.one("chat small"))["error.type"] == "no_answer"
    agent = traces.one("invoke_agent gateway")
    assert agent.status.status_code is StatusCode.ERROR
    assert attributes(agent)["error.type"] == "BackendUnavailable"


async def test_a_decision_that_was_lent_is_an_event_of_the_run(watch: Watch) -> None:
    traces = Traces()
    await watch([traces.tracing], [BackendUnavailable("down")], expert=["Expert here."])
    [event] = traces.one("invoke_agent gateway").events
    assert event.name == "gateway.escalated"
    assert (event.attributes or {})["gateway.escalation.reason"] == "backend_down"
    assert attributes(traces.one("chat large"))["gen_ai.provider.name"] == "mistral_ai"


def test_a_shortened_turn_is_an_event_of_the_run() -> None:
    traces = Traces()
    watching = traces.tracing.begin(RunRequest((UserMessage(content="Go."),)))
    watching.see(ContextShortened(Shortened(1, "drop", messages=6, tokens=900, kept=3)))
    watching.end("finished", None)
    [event] = traces.one("invoke_agent gateway").events
    assert event.name == "gateway.context_shortened"
    assert (event.attributes or {})["gateway.context.dropped_messages"] == 6


async def test_the_trace_of_the_client_goes_on(watch: Watch) -> None:
    traces = Traces()
    traces.tracing.accept([(b"traceparent", PARENT.encode()), (b"accept", b"*/*")])
    try:
        await watch([traces.tracing], ["Hi."])
    finally:
        INCOMING.set(None)
    agent = traces.one("invoke_agent gateway")
    assert agent.context is not None
    assert agent.parent is not None
    assert f"{agent.context.trace_id:032x}" == PARENT.split("-")[1]
    assert f"{agent.parent.span_id:016x}" == PARENT.split("-")[2]


@pytest.mark.parametrize("sent", [b"", b"00-zz-zz-01", b"garbage\xff"])
async def test_a_broken_traceparent_begins_a_trace_of_its_own(watch: Watch, sent: bytes) -> None:
    traces = Traces()
    traces.tracing.accept([(b"traceparent", sent)])
    try:
        await watch([traces.tracing], ["Hi."])
    finally:
        INCOMING.set(None)
    assert traces.one("invoke_agent gateway").parent is None


async def test_models_and_tools_can_be_sent_the_span_that_they_work_for(watch: Watch) -> None:
    traces, seen = Traces(), list[str]()

    def in_turn(turn: Any) -> Any:
        seen.append(outgoing_headers()["traceparent"])
        return "Hi."

    await watch([traces.tracing], [in_turn])
    chat = traces.one("chat small")
    assert chat.context is not None
    _, trace_id, span_id, _ = seen[0].split("-")
    assert trace_id == f"{chat.context.trace_id:032x}"
    assert span_id == f"{chat.context.span_id:016x}"
    assert outgoing_headers() == {}


def test_providers_have_the_names_of_the_conventions() -> None:
    assert provider_name("vllm", "any") == "vllm"
    assert provider_name("llamacpp", "a.gguf") == "llama.cpp"
    assert provider_name("litellm", "mistral/mistral-large-latest") == "mistral_ai"
    assert provider_name("litellm", "gpt-5") == "openai"
