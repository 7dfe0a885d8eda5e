"""HTTP endpoints as tools.

What it is: a validated call becomes one HTTP request, the response becomes what the model reads. What
goes where in the request is the template's business (`tools.executors.http_template`). Secrets come from
the environment at each call and appear nowhere else.
What it is not: retries and the run's deadline (`tools.wrappers`), what may be registered by whom.

Answers: 2xx is a result; 4xx is `ToolFailed` with the beginning of the body, for the model to adapt; 429,
5xx and broken connections are `ToolUnavailable`. Redirects are followed by hand, at most three: each
target is judged like the first, credentials stay with their origin, and a write is never redirected to
another method or origin.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from tools.answer import Answer
from tools.blotting import BLANK, Blotter
from tools.errors import ToolFailed, ToolTimeout, ToolUnavailable
from tools.executor import CallContext
from tools.executors.http_session import HttpSessions, Request, Response
from tools.executors.http_template import Filled, RequestTemplate, Secrets
from tools.files import FileContent, KeepFile, kind_of, reference
from tools.spec import Effect, JSONObject, ValidCall

SECRET_PREFIX = "TOOL_"  # noqa: S105  # the beginning of a name
_MAX_REDIRECTS = 3
_MAX_HEAD = 500
_KEY = "(made for the call)"
_TEXTUAL = (
    "text/",
    "application/json",
    "application/xml",
    "+json",
    "+xml",
    "yaml",
    "javascript",
    "urlencoded",
)


def environment_secrets(name: str) -> str | None:
    """A variable of the environment, if its name begins with `TOOL_`.

    The prefix keeps the gateway's own keys from whoever may register a tool.
    """
    return os.environ.get(name) if name.startswith(SECRET_PREFIX) else None


class HttpExecutor:
    """Calls one endpoint. `timeout_s` bounds one attempt, in seconds.

    `allow_private` lets it reach loopback, private and other internal addresses: an operator's choice,
    never that of whoever registers a tool.
    """

    def __init__(
        self,
        template: RequestTemplate,
        sessions: HttpSessions,
        secrets: Secrets = environment_secrets,
        *,
        timeout_s: float = 30.0,
        allow_private: bool = False,
    ) -> None:
        self._template = template
        self._sessions = sessions
        self._secrets = secrets
        self._timeout_s = timeout_s
        self._allow_private = allow_private

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """Text: the body of the answer, secrets blotted out."""
        filled = self._template.fill(call.arguments, self._secrets)
        blot = Blotter(filled.secrets)
        try:
            response = await self._follow(self._request(filled, call, context), call)
            response = replace(response, body=blot.raw(response.body))  # files are kept, too
            return Answer(blot.text(await _result(response, context.keep)))
        except ToolUnavailable as error:
            raise ToolUnavailable(
                blot.text(str(error)), sent=error.sent, retry_after_s=error.retry_after_s
            ) from error.__cause__
        except (ToolFailed, ToolTimeout) as error:
            error.args = (blot.text(str(error)),)
            raise

    def preview(self, call: ValidCall) -> JSONObject:
        """The request, with `***` for secrets; a secret that is not set is missed as in a real call."""
        filled = self._template.fill(
            call.arguments, lambda name: BLANK if self._secrets(name) else None
        )
        headers = dict(filled.headers)
        if call.tool.effect is not Effect.READ:
            headers["Idempotency-Key"] = _KEY
        blot = Blotter(filled.secrets)
        shown = {name: blot.text(value) for name, value in headers.items()}
        sent: JSONObject = {"method": filled.method, "url": blot.text(filled.url)}
        sent["headers"] = shown
        if filled.body is not None:
            sent["body"] = _shown_body(filled.body)
        return sent

    def _request(self, filled: Filled, call: ValidCall, context: CallContext) -> Request:
        headers = {"Accept": "application/json, text/*;q=0.9, */*;q=0.5", **filled.headers}
        if call.tool.effect is not Effect.READ and context.idempotency_key:
            headers["Idempotency-Key"] = context.idempotency_key
        headers |= {"Accept-Encoding": "identity", "User-Agent": "agentic-gateway"}
        if self._sessions.carried is not None:
            headers |= self._sessions.carried(call.id)
        return Request(
            filled.method,
            filled.url,
            headers,
            filled.body,
            self._timeout_s,
            self._allow_private,
        )

    async def _follow(self, request: Request, call: ValidCall) -> Response:
        is_write = call.tool.effect is not Effect.READ or request.method not in ("GET", "HEAD")
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._sessions.exchange(request)
            target = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or target is None:
                return response
            request = _redirected(request, response.status, target, is_write=is_write)
        raise ToolFailed(f"redirected more than {_MAX_REDIRECTS} times")


def _redirected(request: Request, status: int, target: str, *, is_write: bool) -> Request:
    try:
        url = urljoin(request.url, target)
        here, there = urlsplit(request.url), urlsplit(url)
        same_origin = (here.scheme, here.hostname, here.port) == (
            there.scheme,
            there.hostname,
            there.port,
        )
    except ValueError as error:
        raise ToolFailed("redirected to what is no URL") from error
    if there.scheme not in ("http", "https") or not there.hostname or "@" in there.netloc:
        raise ToolFailed("redirected to what is no web address")
    if is_write and (status not in (307, 308) or not same_origin):
        raise ToolFailed(
            f"answered with a redirect ({status}), which is not followed for a call that changes something;"
            " it may have been done"
        )
    kept = ("Accept", "Accept-Encoding", "User-Agent")
    headers = {k: v for k, v in request.headers.items() if same_origin or k in kept}
    return Request(
        request.method, url, headers, request.body, request.timeout_s, request.allow_private
    )


async def _result(response: Response, keep: KeepFile | None) -> str:
    """The body as text. Raises for statuses that are no success."""
    status = response.status
    if status == 429:
        raise ToolUnavailable(
            "HTTP 429: too many requests", sent=False, retry_after_s=_retry_after(response)
        )
    if status >= 500 or status < 200 or 300 <= status < 400:
        raise ToolUnavailable(f"HTTP {status}", retry_after_s=_retry_after(response))
    if (encoding := response.headers.get("Content-Encoding", "identity")) != "identity":
        raise ToolUnavailable(f"answered in the encoding {encoding!r}, which was not asked for")
    text = await _text(response, keep if status < 400 else None)
    if status >= 400:
        head = text if len(text) <= _MAX_HEAD else text[:_MAX_HEAD] + "…"
        raise ToolFailed(f"HTTP {status}: {head}" if head else f"HTTP {status}")
    return text


async def _text(response: Response, keep: KeepFile | None) -> str:
    if not response.body:
        return "" if response.status >= 400 else f'{{"status":{response.status}}}'
    kind = response.headers.get("Content-Type", "text/plain").lower()
    if not any(sign in kind for sign in _TEXTUAL):
        if keep is None or response.cut:
            return f"[{len(response.body)} bytes of {kind[:100]}, which is no text]"
        return await reference(FileContent(kind_of(kind), kind, response.body), keep)
    try:
        text = response.body.decode(response.charset, "replace")
    except LookupError:
        text = response.body.decode("utf-8", "replace")
    return text + "\n[cut: the answer is longer than 1 MiB]" if response.cut else text


def _retry_after(response: Response) -> float | None:
    """Seconds from now, from a `Retry-After` in seconds or as a date."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdecimal() and len(said) < 7:
        return float(said)
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)


def _shown_body(body: bytes) -> Any:
    """A body as a person reads it: JSON as data, anything else as text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
