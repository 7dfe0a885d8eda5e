"""An OpenAPI document from a file or a URL, as plain JSON data, bounded.

What it is: the text (at most 16 MiB; over HTTP without redirects, private addresses only if allowed),
JSON or YAML read strictly, and one walk over the result: at most 100 levels and 2 million values with
aliases unfolded, finite numbers only.
What it is not: knowledge of OpenAPI (`tools.openapi.document`). References are never followed here.

Raises `RegistrationError` whose `where` is the source, a line, or a JSON pointer.
"""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path
from typing import Any, cast

import orjson

from tools.errors import ExecutionError, RegistrationError
from tools.executors.http_session import HttpSessions, Request
from tools.openapi.document import pointer_to
from tools.yaml_events import MAX_DEPTH, read_yaml

MAX_BYTES = 16 * 1024 * 1024
MAX_VALUES = 2_000_000
_TIMEOUT_S = 30.0

_Place = Any
"""None for the root, else the place around it and a key: spelled out only when something is wrong."""


def is_url(source: str) -> bool:
    """Whether a source is asked for over HTTP; any other is a file."""
    return source.startswith(("http://", "https://"))


def read_source(source: str, *, allow_private: bool = False) -> Any:
    """The document at a path or URL, as data. Waits for the network in a thread of its own."""
    if not is_url(source):
        return read_text(_read_file(Path(source)))
    with ThreadPoolExecutor(1) as thread:  # a loop may be running in this one
        fetched = thread.submit(asyncio.run, _fetch(source, allow_private=allow_private))
        return read_text(fetched.result())


def read_text(raw: bytes) -> Any:
    """JSON when it begins with a brace, else YAML."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RegistrationError("#", f"not UTF-8: {error.reason} at byte {error.start}") from error
    data = _json(text) if text.lstrip().startswith("{") else read_yaml(text)
    check_bounds(data)
    return data


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RegistrationError(f"line {error.lineno}", f"no JSON: {error.msg}") from error


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise RegistrationError(str(path), f"can't be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise RegistrationError(str(path), _too_long())
    return raw


async def _fetch(url: str, *, allow_private: bool) -> bytes:
    sessions = HttpSessions()
    headers = {"Accept": "application/json, application/yaml, */*;q=0.5"}
    headers |= {"Accept-Encoding": "identity", "User-Agent": "agentic-gateway"}
    request = Request("GET", url, headers, None, _TIMEOUT_S, allow_private, MAX_BYTES)
    try:
        answer = await sessions.exchange(request)
    except ExecutionError as error:
        raise RegistrationError(url, str(error)) from error
    finally:
        await sessions.aclose()
    if 300 <= answer.status < 400:
        target = answer.headers.get("Location", "elsewhere")[:200]
        raise RegistrationError(url, f"redirects to {target!r}: name the address itself")
    if answer.status != 200:
        raise RegistrationError(url, f"HTTP {answer.status}")
    if answer.cut:
        raise RegistrationError(url, _too_long())
    return answer.body


def _too_long() -> str:
    return f"more than {MAX_BYTES // 1024 // 1024} MiB: cut it down to what is needed"


def check_bounds(root: Any) -> None:
    """Raises `RegistrationError`. Also ends circles that aliases make: they are deeper than anything."""
    todo: list[tuple[Any, _Place, int]] = [(root, None, 0)]
    left = MAX_VALUES
    while todo:
        value, place, depth = todo.pop()
        left -= 1
        if left < 0:
            raise RegistrationError(
                "#", f"more than {MAX_VALUES} values when its aliases are unfolded"
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise RegistrationError(_pointer(place), "no finite number")
        if not isinstance(value, dict | list):
            continue
        if depth >= MAX_DEPTH:
            raise RegistrationError(_pointer(place)[:200], f"nested more than {MAX_DEPTH} deep")
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            todo.extend((each, (place, name), depth + 1) for name, each in inner.items())
        else:
            items = cast("list[Any]", value)
            todo.extend((each, (place, str(i)), depth + 1) for i, each in enumerate(items))


def _pointer(place: _Place) -> str:
    keys: list[str] = []
    while place is not None:
        place, key = place
        keys.append(key)
    return reduce(pointer_to, reversed(keys), "#")
