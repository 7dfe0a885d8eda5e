"""What goes wrong between two ends of a connection. A wait that is over is Python's `TimeoutError`."""

from __future__ import annotations


class HttpError(Exception):
    """No answer, or not the whole of it."""


class NoConnection(HttpError):
    """None could be made: nothing was sent."""


class HungUp(HttpError):
    """The connection ended, or what came is no HTTP, before an answer had begun. The request was sent."""


class CutShort(HttpError):
    """An answer had begun, and the rest of its body will not come."""
