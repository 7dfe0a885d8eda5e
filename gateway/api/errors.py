"""One table: what went wrong inside → what the client is told.

Every error of the surface is `{"error": {"message", "type", "param", "code"}}`. An `ApiError` says it
outright; other exceptions are looked up in the table, most specific class first; whatever is in
neither is a 500 that tells the client an id and nothing else, and tells the log everything.

    ApiError            raised by the surface itself: status, type, code, message, param
    TranscriptError     400   a message does not fit, with its place
    RequestDenied       403   a policy refused the request; 429 with Retry-After where waiting helps
    Unpayable           429   insufficient_quota: a budget is spent; until when, in Retry-After
    RegistrationError   400   a tool's definition is refused
    UnknownTool         404
    Stopped             409   the run was cancelled
    ContextTooLong      400   context_length_exceeded
    BackendRejected     400   the engine found the request at fault (401, 403, 404 of an engine: 502)
    BackendOverloaded   429   with Retry-After
    BackendUnavailable  503
    BackendTimeout      504
    BackendProtocolError 502
    StorageUnavailable  503   what is stored can't be reached now
"""

from __future__ import annotations

import logging
import math
import secrets
from dataclasses import dataclass, field
from typing import Any

from gateway.agent.loop import RequestDenied
from gateway.agent.till import Unpayable
from gateway.api.encoding import encode
from gateway.live import Stopped
from gateway.storage.errors import StorageUnavailable
from gateway.transcript import TranscriptError
from routing.errors import (
    BackendError,
    BackendOverloaded,
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)
from tools.errors import NameTaken, RegistrationError, UnknownTool

log = logging.getLogger("gateway.api")

_RETRY_AFTER_S = 1
_DO_NOT_RETRY = ((b"x-should-retry", b"false"),)
"""OpenAI's clients would ask again at once."""


class ApiError(Exception):
    """A refusal that the surface decides by itself."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Answer:
    """An error as it goes out. `retry_after_s` in whole seconds."""

    status: int
    message: str
    kind: str
    param: str | None = None
    code: str | None = None
    retry_after_s: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())

    def document(self) -> dict[str, Any]:
        """The error in OpenAI's shape."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }

    def body(self) -> bytes:
        """The error as JSON text."""
        return encode(self.document())


_TABLE: dict[type[Exception], tuple[int, str, str | None]] = {
    TranscriptError: (400, "invalid_request_error", "invalid_message"),
    RequestDenied: (403, "permission_error", "denied_by_policy"),
    Unpayable: (429, "insufficient_quota", "budget_spent"),
    NameTaken: (400, "invalid_request_error", "name_taken"),
    RegistrationError: (400, "invalid_request_error", "invalid_tool"),
    UnknownTool: (404, "invalid_request_error", "tool_not_found"),
    Stopped: (409, "run_cancelled", "run_cancelled"),
    ContextTooLong: (400, "invalid_request_error", "context_length_exceeded"),
    BackendRejected: (400, "invalid_request_error", "rejected_by_model"),
    BackendOverloaded: (429, "rate_limit_error", "model_overloaded"),
    BackendUnavailable: (503, "server_error", "model_unavailable"),
    BackendTimeout: (504, "server_error", "model_timeout"),
    BackendProtocolError: (502, "server_error", "model_protocol_error"),
    BackendError: (502, "server_error", "model_error"),
    StorageUnavailable: (503, "server_error", "storage_unavailable"),
}

_ENGINE_SETUP_STATUSES = frozenset({401, 403, 404})
"""An engine's refusal that the operator has to mend, not the app: wrong key, wrong model name."""


def answer(error: Exception) -> Answer:
    """What the client is told. Logs what is unexpected, with the id that the client gets."""
    if isinstance(error, ApiError):
        return Answer(
            error.status, error.message, error.kind, error.param, error.code, error.retry_after_s
        )
    for kind in type(error).__mro__:
        if (row := _TABLE.get(kind)) is not None:
            return _from_table(error, row)
    return _unexpected(error)


def _from_table(error: Exception, row: tuple[int, str, str | None]) -> Answer:
    status, kind, code = row
    message, param, retry = str(error), None, None
    match error:
        case TranscriptError():
            param = error.param
        case RegistrationError():
            message, param = error.why, error.where
        case RequestDenied():
            message, code = error.reason, error.rule or code
            if error.retry_after_s is not None:
                status, kind = 429, "rate_limit_error"
                retry = max(1, math.ceil(error.retry_after_s))
        case Unpayable():
            if error.retry_after_s is not None:
                retry = max(1, math.ceil(error.retry_after_s))
            return Answer(status, message, kind, param, code, retry, _DO_NOT_RETRY)
        case Stopped():
            message = "the run was cancelled"
        case ContextTooLong():
            param = "messages"
        case BackendRejected() if error.status in _ENGINE_SETUP_STATUSES:
            status, kind, code = 502, "server_error", "model_misconfigured"
            log.error("the engine of %r refuses us: %s", error.backend, error)
        case BackendUnavailable():
            retry = max(1, math.ceil(error.retry_after_s or _RETRY_AFTER_S))
        case StorageUnavailable():
            log.warning("%s", error)
            message, retry = "what is stored can't be reached now; try again", _RETRY_AFTER_S
        case _:
            pass
    return Answer(status, message, kind, param, code, retry)


def _unexpected(error: Exception) -> Answer:
    incident = "err_" + secrets.token_hex(8)
    log.error("unexpected error %s", incident, exc_info=error)
    message = f"The gateway failed on its side. If you report this, name {incident}."
    headers = ((b"x-request-id", incident.encode()),)
    return Answer(500, message, "server_error", None, "internal_error", headers=headers)


HANDLED: tuple[type[Exception], ...] = (ApiError, *_TABLE)
"""Every exception that has an answer of its own."""
