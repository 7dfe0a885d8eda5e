"""Logs as JSON: one object a line, with the run and the trace that the line belongs to.

Standard logging with a formatter of its own: the gateway and its libraries log little, all of it
through `logging`, and structlog would be a second way to do it. Fields: `time` (UTC), `level`, `logger`,
`message`, and where known `run_id`, `trace_id`, `span_id`, `error` (a traceback).

Messages are ours or a library's; requests, arguments and answers are not logged. As a second fence, what
looks like a credential is blotted out of every line.
"""

from __future__ import annotations

import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

from gateway.telemetry.propagation import outgoing_headers

RUN: ContextVar[str | None] = ContextVar("run", default=None)
"""The run that this task works for."""

_SECRET = re.compile(
    r"(?P<before>(?i:bearer\s+|(?:api[_-]?key|password|secret|token|authorization)[\"']?\s*[=:]\s*[\"']?(?:(?:bearer|basic)\s+)?)"
    r"|://[^\s/:@]*:)(?P<secret>[^\s\"'@,;]{4,})"
    r"|\b(?:sk|pk|hf|ghp)[-_][A-Za-z0-9_-]{12,}"
)
_BLOT = "[…]"


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        if (run_id := RUN.get()) is not None:
            told["run_id"] = run_id
        if traceparent := outgoing_headers().get("traceparent"):
            _, told["trace_id"], told["span_id"], _ = traceparent.split("-")
        if record.exc_info:
            told["error"] = without_secrets(self.formatException(record.exc_info))
        return orjson.dumps(told, default=str).decode()


def without_secrets(text: str) -> str:
    """`text` with what looks like a credential blotted out."""
    return _SECRET.sub(lambda found: (found["before"] or "") + _BLOT, text)


def log_json(level: int = logging.WARNING) -> None:
    """Let every logger of this process write JSON to standard error; uvicorn's own too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
