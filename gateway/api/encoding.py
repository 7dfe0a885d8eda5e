"""JSON out: orjson for speed, the slow way for what it refuses.

That is integers beyond 64 bits and text with lone surrogates; models and tools produce both.
"""

from __future__ import annotations

import json
from typing import Any

import orjson
from fastapi.responses import Response


def encode(value: Any) -> bytes:
    """JSON text of any JSON value, never failing on what a model or a tool said."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


def document(value: Any) -> Response:
    """A JSON response."""
    return Response(encode(value), media_type="application/json")
