"""How values become text that every database takes, and come back the same.

PostgreSQL takes no NUL and no lone surrogates, and neither integers beyond 64 bits nor either of those
in JSONB; models and tools produce all of them. So JSON is kept as text, where they stand escaped.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import orjson

_LONGEST_KEY = 200


def encode(value: Any) -> str:
    """JSON text of any JSON value."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers beyond 64 bits, lone surrogates
        return json.dumps(value, separators=(",", ":"))


def decode(text: str) -> Any:
    """The value again. Not orjson: it reads large integers as floats."""
    return json.loads(text)


def key(name: str) -> str:
    """An id as it stands in keys: itself, if every index takes it, else a digest."""
    if len(name) <= _LONGEST_KEY and name.isprintable():
        return name
    return "sha256:" + hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()


def plain(text: str | None) -> str | None:
    """Words for people, without what a text column can't hold."""
    return text and text.replace("\0", "\ufffd").encode(errors="replace").decode()
