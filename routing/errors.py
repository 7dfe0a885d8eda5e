"""What can go wrong between the gateway and a model.

    BackendError
    ├── BackendUnavailable     refused, reset, hung, 5xx, not loaded: another backend may do it
    │   └── BackendOverloaded  429 or a full queue; `retry_after_s` when it was told
    ├── BackendTimeout         no (further) token in time
    ├── BackendRejected        4xx: the request itself is at fault; never retried or failed over
    │   └── ContextTooLong     the prompt and the answer do not fit the model's window
    └── BackendProtocolError   the engine's answer can't be understood, or was cut in the middle
        └── EndlessRepetition  the model only repeats itself, and was stopped

Foreign exceptions (LiteLLM's, xllamacpp's, those of `routing.http1`) are translated in the backend that met them; nothing
else leaves `routing`. `backend` is the name under which the backend is configured.
"""

from __future__ import annotations


class BackendError(Exception):
    """Base of everything a backend raises."""

    def __init__(self, message: str, *, backend: str = "") -> None:
        super().__init__(message)
        self.backend = backend


class BackendUnavailable(BackendError):
    """Could not be reached, or failed on its side."""

    def __init__(
        self, message: str, *, backend: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, backend=backend)
        self.retry_after_s = retry_after_s


class BackendOverloaded(BackendUnavailable):
    """Asked us to come back later."""


class BackendTimeout(BackendError):
    """No answer, or no further token, before the deadline."""


class BackendRejected(BackendError):
    """The request is at fault. `status` is the engine's HTTP status where there was one."""

    def __init__(self, message: str, *, backend: str = "", status: int = 400) -> None:
        super().__init__(message, backend=backend)
        self.status = status


class ContextTooLong(BackendRejected):
    """The conversation does not fit the model's window."""


class BackendProtocolError(BackendError):
    """Cut in the middle, or not the protocol that was agreed on."""


class EndlessRepetition(BackendProtocolError):
    """The model says one piece over and over, and was stopped (`routing.repetition`)."""
