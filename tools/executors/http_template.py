"""Templates of requests: what of a request comes from whom.

What it is: the author's part (scheme, host, path, secrets by name) kept apart from the model's part
(values). A value can't change the host, leave its path segment or add a parameter. `RequestTemplate` is
the seam; `EndpointTemplate` is that of a registered endpoint, `tools.executors.openapi` has another.
What it is not: sending (`tools.executors.http`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast
from urllib.parse import quote, urlencode, urlsplit

import orjson

from tools.errors import RegistrationError, ToolFailed, ToolUnavailable
from tools.spec import JSONObject

Secrets = Callable[[str], str | None]
"""The value of a named secret, or None when it is not set."""

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

_IN_QUERY = ("GET", "HEAD", "DELETE")
_PLACEHOLDER = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_-]{0,63})\}")
_SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]{0,63})\}")
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
RESERVED_HEADERS = {
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "accept-encoding",
}


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with a call's values in it; `secrets` are the texts that no answer may show."""

    method: Method
    url: str
    headers: dict[str, str]
    body: bytes | None = None
    secrets: tuple[str, ...] = ()


class RequestTemplate(Protocol):
    """Makes a request of a call's arguments. Raises `ToolFailed`, `ToolUnavailable` without a secret."""

    def fill(self, arguments: JSONObject, secrets: Secrets) -> Filled: ...


class EndpointTemplate:
    """Arguments named in the URL go there, the others to the query (GET, HEAD, DELETE) or a JSON body."""

    def __init__(self, method: Method, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Raises `RegistrationError` for what can't be right."""
        self._method: Method = method
        self._url = UrlTemplate(url)
        self._headers = HeaderTemplates(headers or {})

    @property
    def placeholders(self) -> frozenset[str]:
        """The arguments that the URL needs."""
        return self._url.names

    def fill(self, arguments: JSONObject, secrets: Secrets) -> Filled:
        headers, used = self._headers.fill(secrets)
        in_query = self._method in _IN_QUERY
        query = self._url.query(arguments, with_rest=in_query)
        url = self._url.path(arguments) + (f"?{query}" if query else "")
        if in_query:
            return Filled(self._method, url, headers, None, used)
        headers["Content-Type"] = "application/json"
        return Filled(self._method, url, headers, json_bytes(self._url.body(arguments)), used)


class UrlTemplate:
    """`https://api.example.com/users/{id}`: placeholders in path and query only."""

    def __init__(self, template: str, where: str = "$.executor.url") -> None:
        """Raises `RegistrationError`, whose `where` is `where`."""
        try:
            parts = urlsplit(template)
            _ = parts.port
        except ValueError as error:
            raise RegistrationError(where, f"no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RegistrationError(where, "must begin with http:// or https:// and a host")
        if parts.username is not None or parts.password is not None:
            raise RegistrationError(where, "must not hold credentials: use a header with ${NAME}")
        if "{" in parts.netloc or "\\" in template or any(c <= " " for c in template):
            raise RegistrationError(
                where, "the host is fixed: {…} may only stand in path and query"
            )
        if parts.fragment:
            raise RegistrationError(where, "must have no fragment")
        if _SECRET.search(template):
            raise RegistrationError(where, "must hold no secrets: URLs are logged; use a header")
        rest = _PLACEHOLDER.sub("", parts.path + parts.query)
        if "{" in rest or "}" in rest:
            raise RegistrationError(where, "a placeholder is {name}: letters, digits, '_' and '-'")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path or "/"
        self._query = parts.query
        self.names = frozenset(_PLACEHOLDER.findall(parts.path + parts.query))

    def path(self, arguments: JSONObject) -> str:
        """The URL up to the query, values percent-encoded. Raises `ToolFailed` for what is no segment."""
        filled = _PLACEHOLDER.sub(lambda match: _segment(match[1], arguments), self._path)
        if any(segment in (".", "..") for segment in filled.split("/")):
            raise ToolFailed("an argument may not be '.' or '..'")
        return self._origin + filled

    def query(self, arguments: JSONObject, *, with_rest: bool) -> str:
        """The query: the template's own, then, `with_rest`, every argument that has no placeholder."""
        own = _PLACEHOLDER.sub(lambda match: _segment(match[1], arguments), self._query)
        pairs: list[tuple[str, str]] = []
        for name, value in arguments.items() if with_rest else ():
            if name not in self.names and value is not None:
                many = cast("list[Any]", value) if isinstance(value, list) else [value]
                pairs.extend((name, plain(each)) for each in many)
        return "&".join(part for part in (own, urlencode(pairs)) if part)

    def body(self, arguments: JSONObject) -> JSONObject:
        """The arguments that have no placeholder."""
        return {name: value for name, value in arguments.items() if name not in self.names}


class HeaderTemplates:
    """Header values with `${NAME}` for secrets, which are looked up at each call and never kept."""

    def __init__(self, headers: Mapping[str, str], where: str = "$.executor.headers") -> None:
        """Raises `RegistrationError`."""
        for name, value in headers.items():
            if not HEADER_NAME.fullmatch(name) or name.lower() in RESERVED_HEADERS:
                raise RegistrationError(f"{where}['{name[:80]}']", "no header that a tool may set")
            if any(c < " " for c in value) or not value.isascii():
                raise RegistrationError(f"{where}['{name}']", "must be one line of ASCII")
        self._headers = dict(headers)

    def fill(self, secrets: Secrets) -> tuple[dict[str, str], tuple[str, ...]]:
        """The headers, and the secret values in them. Raises `ToolUnavailable` when one is not set."""
        used: list[str] = []

        def value_of(match: re.Match[str]) -> str:
            used.append(look_up(match[1], secrets))
            return used[-1]

        filled = {name: _SECRET.sub(value_of, value) for name, value in self._headers.items()}
        return filled, tuple(used)


def look_up(variable: str, secrets: Secrets) -> str:
    """A secret's value, one line of it. Raises `ToolUnavailable` when it is not set."""
    value = secrets(variable)
    if not value or not value.isprintable():
        raise ToolUnavailable(
            f"the tool is not set up: its secret {variable} is missing", sent=False
        )
    return value


def json_bytes(value: Any) -> bytes:
    """Compact JSON in UTF-8, integers of any size."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # integers beyond 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _segment(name: str, arguments: JSONObject) -> str:
    value = arguments.get(name)
    if isinstance(value, dict | list) or value is None or value == "":
        raise ToolFailed(f"{name} must be a text that is not empty, or a number")
    return quote(plain(value), safe="")


def plain(value: Any) -> str:
    """Text as it is, another scalar as JSON spells it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
