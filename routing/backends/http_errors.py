"""What an OpenAI-compatible engine's refusals mean, by status and message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from routing.errors import (
    BackendError,
    BackendOverloaded,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextTooLong,
)

_TOO_LONG = re.compile(
    r"context.{0,10}(length|window|size)|maximum model length|max_model_len|prompt is too long"
    r"|prompt contains .{0,40}tokens|too many tokens",
    re.IGNORECASE,
)

_SHORTEST_KEY = 8


def refusal(
    status: int, message: str, *, backend: str, retry_after_s: float | None = None
) -> BackendError:
    """The typed error for an HTTP status of 400 or more, or the code of an error inside a stream."""
    what = f"HTTP {status}: {message[:500]}"
    match status:
        case 408 | 504:
            return BackendTimeout(what, backend=backend)
        case 429 | 503 | 529:
            return BackendOverloaded(what, backend=backend, retry_after_s=retry_after_s)
        case _ if status >= 500:
            return BackendUnavailable(what, backend=backend, retry_after_s=retry_after_s)
        case _ if status in {400, 413, 422} and _TOO_LONG.search(message):
            return ContextTooLong(what, backend=backend, status=status)
        case _:
            return BackendRejected(what, backend=backend, status=status)


def error_message(body: Any) -> str:
    """The message in an error's JSON, in any of the shapes that engines use."""
    if isinstance(body, Mapping):
        fields = cast("Mapping[str, Any]", body)
        for key in ("error", "message", "detail"):
            if value := fields.get(key):
                return error_message(value)
    return str(cast("object", body))


def error_status(failure: Any) -> int:
    """The status of an error inside a stream that had begun with 200; 500 when it tells none."""
    if not isinstance(failure, Mapping):
        return 500
    code = cast("Mapping[str, Any]", failure).get("code")
    return code if isinstance(code, int) and code >= 400 else 500


def retry_after_s(header: str | None) -> float | None:
    """`Retry-After` in seconds from now, whether given as a number or as a date."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def without_key(message: str, key: str | None) -> str:
    """An engine's message without our key, which it may echo. Keys too short to be secret stay."""
    return message.replace(key, "***") if key and len(key) >= _SHORTEST_KEY else message
