"""W3C trace context over the gateway: what a client sent, and what tools and models are to be sent.

The header provider for adapters of tools and models is `outgoing_headers`: nothing while tracing is
off. It knows the run by a context variable, set where the run's events are seen, and a call by its id.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class Carrier(Protocol):
    """A run that is traced."""

    def headers(self, call_id: str | None) -> dict[str, str]:
        """`traceparent`, and `tracestate` where there is one, of a call's span or of the open turn's."""
        ...


INCOMING: ContextVar[dict[str, str] | None] = ContextVar("incoming_trace", default=None)
"""The client's `traceparent` and `tracestate`, of the request that is being served."""

CURRENT: ContextVar[Carrier | None] = ContextVar("current_trace", default=None)
"""The traced run that this task works for."""


def outgoing_headers(call_id: str | None = None) -> dict[str, str]:
    """The headers that carry the trace on: to the tool of a call, or with None to the model."""
    run = CURRENT.get()
    return run.headers(call_id) if run is not None else {}
