"""Metrics and traces, as far as the settings ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from gateway.agent.offering import FIND_TOOLS
from gateway.compose.error import CompositionError
from gateway.settings import Settings
from routing.backend import ModelBackend
from routing.tiers import Tiered
from tools.registry import Registry

if TYPE_CHECKING:
    from gateway.telemetry.telemetry import Telemetry


def build_telemetry(
    settings: Settings, models: Mapping[str, ModelBackend], registry: Registry
) -> Telemetry:
    """What watches the runs over `models` and `registry`; the extra `otel` is needed for traces only."""
    from gateway.telemetry.telemetry import Telemetry

    wanted, configured = settings.telemetry, settings.models
    roles = {"intermediary": configured.intermediary, "expert": configured.expert}
    metrics = tracing = None
    if wanted.metrics:
        from gateway.telemetry.metrics import RunMetrics

        metrics = RunMetrics(
            models={role: backend.model for role, backend in models.items()},
            known_tool=lambda name: name in registry.snapshot() or name == FIND_TOOLS,
            max_tools=wanted.max_tools,
            others=[
                model
                for backend in models.values()
                if isinstance(backend, Tiered)
                for model in backend.models
            ],
            slots={
                role: model.llamacpp.slots
                for role, model in roles.items()
                if model is not None and model.backend == "llamacpp"
            },
        )
    if wanted.otlp_endpoint is not None:
        try:
            from gateway.telemetry.otlp import provider, provider_name
            from gateway.telemetry.tracing import Tracing

            sent = provider(str(wanted.otlp_endpoint), wanted.trace_share)
        except ImportError as error:
            raise CompositionError(
                "telemetry.otlp_endpoint: OpenTelemetry is not installed",
                "install the extra: uv sync --extra otel",
            ) from error
        tracing = Tracing(
            sent,
            {
                role: provider_name(model.backend, model.model)
                for role, model in roles.items()
                if model is not None
            },
            content=wanted.trace_content,
            version=version("agentic-gateway"),
        )
    return Telemetry(metrics, tracing)
