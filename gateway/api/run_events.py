"""A run's events as server-sent events: for those who watch a run, not for those who asked for it."""

from __future__ import annotations

from gateway.agent.named_events import NamedEvent
from gateway.api.encoding import encode


def as_sse(event: NamedEvent) -> bytes:
    """One event: its name (`call.accepted`) and its data as JSON."""
    return b"event: " + event.name.encode() + b"\ndata: " + encode(event.data) + b"\n\n"
