"""Logs as text, or as JSON: one object a line, with the run and the trace that the line belongs to.

Standard logging with a formatter of its own: the gateway and its libraries log little, all of it
through `logging`, and structlog would be a second way to do it. Fields: `time` (UTC), `level`, `logger`,
`message`, and where known `run_id`, `trace_id`, `span_id`, `error` (a traceback).

Messages are ours or a library's, and tracebacks a tool's; requests, arguments and answers are not logged. As a
second fence, what looks like a credential is blotted out of every line, and what the environment holds of them
however it looks: an exception of a tool may quote what the tool was given.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

import orjson

from gateway.telemetry.propagation import outgoing_headers
from tools.blotting import Blotter

RUN: ContextVar[str | None] = ContextVar("run", default=None)
"""The run that this task works for."""

_SECRET = re.compile(
    r"(?P<before>(?i:bearer\s+|(?:api[_-]?key|password|secret|token|authorization)[\"']?\s*[=:]\s*[\"']?(?:(?:bearer|basic)\s+)?)"
    r"|://[^\s/:@]*:)(?P<secret>[^\s\"'@,;]{4,})"
    r"|\b(?:sk|pk|hf|ghp)[-_][A-Za-z0-9_-]{12,}"
)
_BLOT = "[…]"
_NAMED_SO = re.compile(
    r"(?i)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?(_|$)(?!(.*_)?(FILE|PATH|DIR|URL|ID)$)"
)
_SHORTEST = 8


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values that their names call secret; shorter ones than eight characters are flags and numbers."""
    return tuple(
        {
            value
            for name, value in environment.items()
            if len(value) >= _SHORTEST and _NAMED_SO.search(name)
        }
    )


class TextFormatter(logging.Formatter):
    """A record as its message, and the traceback where there is one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._blot = Blotter(secrets)

    def format(self, record: logging.LogRecord) -> str:
        return self._blot.text(without_secrets(super().format(record)))


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._blot = Blotter(secrets)

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._blot.text(without_secrets(record.getMessage())),
        }
        if (run_id := RUN.get()) is not None:
            told["run_id"] = run_id
        if traceparent := outgoing_headers().get("traceparent"):
            _, told["trace_id"], told["span_id"], _ = traceparent.split("-")
        if record.exc_info:
            error = self.formatException(record.exc_info)
            told["error"] = self._blot.text(without_secrets(error))
        return orjson.dumps(told, default=str).decode()


def without_secrets(text: str) -> str:
    """`text` with what looks like a credential blotted out."""
    return _SECRET.sub(lambda found: (found["before"] or "") + _BLOT, text)


def log_to_stderr(kind: Literal["text", "json"], level: int = logging.WARNING) -> None:
    """Let every logger of this process write to standard error; uvicorn's own too where it is JSON."""
    handler = logging.StreamHandler(sys.stderr)
    secrets = secrets_in(os.environ)
    handler.setFormatter(JsonFormatter(secrets) if kind == "json" else TextFormatter(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    if kind == "text":
        return
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
