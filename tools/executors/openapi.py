"""The requests of an OpenAPI operation: which argument goes where, in which spelling.

What it is: a template for `tools.executors.http.HttpExecutor`. A value can't leave its place: everything
is percent-encoded, a header is one line of ASCII, and parameters go out in the document's order.
What it is not: reading documents (`tools.openapi`), sending.

Spellings of arrays and objects, as OpenAPI names them: `repeat` (form, explode), `comma` (form, simple),
`space`, `pipe`, `tab` (their delimiter), `deep` (deepObject: `a[b]=1`, further levels and array items the
same way: `a[b][0]=1`), `json`. Nulls and empty arrays are left out wherever they can't be spelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import quote, quote_plus

from tools.errors import ToolFailed
from tools.executors.credentials import NO_CREDENTIALS, Credentials
from tools.executors.http_template import Filled, Method, Secrets, json_bytes, plain
from tools.spec import JSONObject

Place = Literal["path", "query", "header", "body"]
Spelling = Literal["repeat", "comma", "space", "pipe", "tab", "deep", "json"]

_DELIMITERS: dict[Spelling, str] = {"comma": ",", "space": " ", "pipe": "|", "tab": "\t"}


@dataclass(frozen=True, slots=True)
class Part:
    """One argument's way into the request: `argument` in the tool's schema, `name` on the wire."""

    argument: str
    name: str
    place: Place
    spelling: Spelling = "repeat"


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """A body of `fields`, or the one argument `whole`. Without any of them it is sent only if `required`."""

    media_type: str
    fields: tuple[Part, ...] = ()
    whole: str | None = None
    required: bool = False

    @property
    def is_form(self) -> bool:
        return self.media_type == "application/x-www-form-urlencoded"

    def fill(self, arguments: JSONObject) -> bytes | None:
        """The bytes, or None for no body."""
        if self.whole is not None and self.whole not in arguments:
            return None
        given = [part for part in self.fields if part.argument in arguments]
        if self.whole is None and not given and not self.required:
            return None
        if self.is_form:
            return "&".join(self._pairs(arguments, given)).encode()
        if self.whole is not None:
            return json_bytes(arguments[self.whole])
        return json_bytes({part.name: arguments[part.argument] for part in given})

    def _pairs(self, arguments: JSONObject, given: list[Part]) -> Iterator[str]:
        if self.whole is None:
            for part in given:
                yield from _pairs(part.name, part.spelling, arguments[part.argument], quote_plus)
            return
        value = arguments[self.whole]
        if not isinstance(value, dict):
            raise ToolFailed(f"{self.whole} must be an object: it is sent as a form")
        for name, each in cast("JSONObject", value).items():
            spelling: Spelling = "json" if isinstance(each, dict) else "repeat"
            yield from _pairs(name, spelling, each, quote_plus)


@dataclass(frozen=True, slots=True)
class OperationTemplate:
    """One operation. `path` is literal text, already encoded, and parts; `base` ends without a slash."""

    method: Method
    base: str
    path: tuple[str | Part, ...]
    query: tuple[Part, ...] = ()
    headers: tuple[Part, ...] = ()
    body: BodyTemplate | None = None
    credentials: Credentials = NO_CREDENTIALS

    def fill(self, arguments: JSONObject, secrets: Secrets) -> Filled:
        own = self.credentials.fill(secrets)
        path = "".join(
            part if isinstance(part, str) else _segment(part, arguments) for part in self.path
        )
        if any(segment in (".", "..") for segment in path.split("/")):
            raise ToolFailed("an argument in the path may not be '.' or '..'")
        query = [
            pair
            for part in self.query
            if part.argument in arguments
            for pair in _pairs(part.name, part.spelling, arguments[part.argument], _quote)
        ]
        query += [f"{_quote(name)}={_quote(value)}" for name, value in own.query]
        headers = {
            part.name: _line(part, arguments[part.argument])
            for part in self.headers
            if arguments.get(part.argument) is not None
        }
        body = self.body.fill(arguments) if self.body else None
        if self.body and body is not None:
            headers["Content-Type"] = self.body.media_type
        url = self.base + path + ("?" + "&".join(query) if query else "")
        return Filled(self.method, url, headers | dict(own.headers), body, own.secrets)


def _quote(text: str) -> str:
    return quote(text, safe="")


def _segment(part: Part, arguments: JSONObject) -> str:
    value = arguments.get(part.argument)
    if part.spelling == "json":
        return _quote(json_bytes(value).decode())
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    texts = [_scalar(part.argument, each) for each in values]
    if not texts or not all(texts):
        raise ToolFailed(f"{part.argument} must not be empty: it is part of the address")
    return ",".join(_quote(text) for text in texts)


def _line(part: Part, value: Any) -> str:
    if part.spelling == "json":
        text = json_bytes(value).decode()
    elif isinstance(value, list):
        texts = [_scalar(part.argument, each) for each in cast("list[Any]", value)]
        if any("," in each for each in texts):
            raise ToolFailed(f"no item of {part.argument} may hold a comma, which separates them")
        text = ",".join(texts)
    else:
        text = _scalar(part.argument, value)
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise ToolFailed(
            f"{part.argument} goes into a header: one line of ASCII without spaces around it"
        )
    return text


def _pairs(
    name: str, spelling: Spelling, value: Any, encode: Callable[[str], str]
) -> Iterator[str]:
    """`name=value`, encoded, for the query or a form."""
    key = encode(name)
    if value is None:
        return
    if spelling == "json":
        yield f"{key}={encode(json_bytes(value).decode())}"
    elif spelling == "deep" and isinstance(value, dict | list):
        yield from (f"{encode(path)}={encode(text)}" for path, text in _deep(name, value))
    elif not isinstance(value, list):
        yield f"{key}={encode(_scalar(name, value))}"
    elif items := [_scalar(name, each) for each in cast("list[Any]", value)]:
        delimiter = _DELIMITERS.get(spelling)
        if delimiter is None:
            yield from (f"{key}={encode(each)}" for each in items)
        elif delimiter == ",":  # the one that may stand bare, so that items can hold it encoded
            yield f"{key}={','.join(encode(each) for each in items)}"
        elif any(delimiter in each for each in items):
            raise ToolFailed(f"no item of {name} may hold {delimiter!r}, which separates them")
        else:
            yield f"{key}={encode(delimiter.join(items))}"


def _deep(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in cast("JSONObject", value).items():
            yield from _deep(f"{path}[{name}]", each)
    elif isinstance(value, list):
        for index, each in enumerate(cast("list[Any]", value)):
            yield from _deep(f"{path}[{index}]", each)
    elif value is not None:
        yield path, plain(value)


def _scalar(name: str, value: Any) -> str:
    if isinstance(value, dict | list) or value is None:
        raise ToolFailed(f"{name} must be a text, a number or a truth value, or a list of them")
    return plain(value)
