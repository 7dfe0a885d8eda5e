"""Where traces go: a collector that speaks OTLP over HTTP. Imports OpenTelemetry at once.

Spans are sent in batches by a thread of the SDK; a collector that is away costs spans, never a request.
"""

from __future__ import annotations

from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

_PROVIDERS = {
    "mistral": "mistral_ai",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""LiteLLM's prefixes whose names the conventions spell otherwise."""


def provider(
    endpoint: str, share: float = 1.0, exporter: SpanExporter | None = None
) -> TracerProvider:
    """A provider of tracers that sends `share` of the traces to `endpoint`."""
    made = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(share)),
        resource=Resource.create(
            {"service.name": "agentic-gateway", "service.version": version("agentic-gateway")}
        ),
        shutdown_on_exit=False,
    )
    sink = exporter or OTLPSpanExporter(endpoint=endpoint, timeout=5)
    made.add_span_processor(BatchSpanProcessor(sink))
    return made


def provider_name(backend: str, model: str) -> str:
    """The conventions' name of who serves a model: `vllm`, `llama.cpp`, or LiteLLM's provider."""
    if backend == "llamacpp":
        return "llama.cpp"
    if backend == "vllm":
        return "vllm"
    prefix, separator, _ = model.partition("/")
    return _PROVIDERS.get(prefix, prefix) if separator else "openai"
