"""`telemetry`: what can be seen of the gateway from outside."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.section import Section
from gateway.settings.urls import ShownUrl


class TelemetrySettings(Section):
    """What can be seen of the gateway from outside."""

    metrics: bool = True
    """Whether `GET /metrics` tells Prometheus about runs, models and tools."""
    max_tools: Annotated[int, Field(ge=0, le=1000)] = 100
    """Registered tools with a label of their own in metrics; further ones are counted as `other`."""
    otlp_endpoint: ShownUrl | None = None
    """Where traces go: a collector's OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces. Needs the
    extra `otel`. Null: no traces."""
    trace_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The share of runs that is traced; a client that sends a `traceparent` decides for its own."""
    trace_content: bool = False
    """Whether traces hold messages, arguments and results. They may be confidential."""
    logs: Literal["text", "json"] = "text"
    """`json`: one object a line, with the ids of run and trace."""
