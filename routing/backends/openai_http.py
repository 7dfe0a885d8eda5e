"""One streamed chat completion over HTTP: connecting, retrying, reading, letting go.

What it is: from a request body to the JSON of each event, and the certainty that the engine stops when
nobody reads any more. What it is not: an interpreter of the events (`routing.openai_answer`).

Only what has not begun to answer is retried: refused or broken connections, 429 and 503, with the
server's `Retry-After`, as long as the deadline allows. From the first byte on, a failure is final.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from routing.backends.http_client import HttpClient
from routing.backends.http_connection import Connection, HttpFailure, HungUp
from routing.backends.http_errors import (
    error_message,
    error_status,
    refusal,
    retry_after_s,
    without_key,
)
from routing.backends.retrying import NotBegunError, Retries, retried
from routing.errors import (
    BackendError,
    BackendOverloaded,
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
)
from routing.sse import SseDecoder

READY_TIMEOUT_S: Final = 2.0
_DRAIN_TIMEOUT_S: Final = 0.25
_MAX_ERROR_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class End:
    """The protocol's own end of the stream was seen (`[DONE]`)."""


@dataclass(frozen=True, slots=True)
class HttpTimeouts:
    """Seconds. `idle` bounds each wait for bytes, the first included: prefill may take its time."""

    connect_s: float = 5.0
    idle_s: float = 60.0


@dataclass(slots=True)
class OpenAiHttp:
    """One engine's HTTP side. The client is made at the first request and shared.

    `carried` gives the headers that carry the trace of the open turn on to the engine.
    """

    backend: str
    base_url: str
    api_key: str | None = None
    timeouts: HttpTimeouts = field(default_factory=HttpTimeouts)
    retries: Retries = field(default_factory=Retries)
    carried: Callable[[], Mapping[str, str]] | None = None
    _client: HttpClient | None = None

    async def batches(
        self, body: Mapping[str, Any], deadline: float | None
    ) -> AsyncGenerator[list[dict[str, Any]] | End, None]:
        """The JSON of the events that arrived together, at last `End` where the stream ended as agreed.

        Raises a `BackendError`, behind the events that came before it. An error that the engine sends inside
        the stream is raised, too.
        """
        client = self._opened()
        response = await self._open(orjson.dumps(body), deadline)
        try:
            decoder = SseDecoder()
            ended = False
            while not ended and (chunk := await self._read(response)):
                batch, ended, failure = self._batch(decoder.feed(chunk))
                if batch:
                    yield batch
                if failure:
                    raise failure
            if ended:
                if not response.is_at_end:
                    await self._drain(response)
                yield End()
                return
            batch, ended, failure = self._batch(filter(bytes.strip, decoder.finish()))
            if batch:
                yield batch
            if failure:
                raise failure
            if ended:
                yield End()
        finally:
            # A response that was not read to its end closes its connection: the engine notices.
            client.release(response)

    async def get_json(self, url: str, timeout_s: float) -> Any:
        """The JSON at `url`; None when its body is empty.

        Raises `BackendUnavailable` or `BackendTimeout`.
        """
        raw = await self.get(url, timeout_s)
        try:
            return orjson.loads(raw) if raw.strip() else None
        except ValueError as error:
            raise BackendUnavailable(str(error), backend=self.backend) from error

    async def get(self, url: str, timeout_s: float) -> bytes:
        """What is at `url`, on this engine. Raises `BackendUnavailable` or `BackendTimeout`."""
        until = asyncio.get_running_loop().time() + timeout_s
        client = self._opened()
        try:
            response = await client.send(
                "GET", _path(url), idle_s=self.timeouts.idle_s, deadline=until
            )
            try:
                if response.status >= 400:
                    raise BackendUnavailable(f"HTTP {response.status}", backend=self.backend)
                parts: list[bytes] = []
                while chunk := await response.read():
                    parts.append(chunk)
            finally:
                client.release(response)
        except TimeoutError:
            raise BackendTimeout("no answer in time", backend=self.backend) from None
        except HttpFailure as error:
            raise BackendUnavailable(str(error), backend=self.backend) from error
        return b"".join(parts)

    async def aclose(self) -> None:
        """Close every connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self) -> HttpClient:
        if self._client is None:
            headers = {"Content-Type": "application/json"}
            if self.api_key:
                headers["Authorization"] = f"Bearer {self.api_key}"
            self._client = HttpClient(self.base_url, headers, self.timeouts.connect_s)
        return self._client

    async def _open(self, body: bytes, deadline: float | None) -> Connection:
        return await retried(lambda: self._post(body, deadline), self.retries, deadline)

    async def _post(self, body: bytes, deadline: float | None) -> Connection:
        path, carried = f"{_path(self.base_url)}/chat/completions", self.carried and self.carried()
        try:
            response = await self._opened().send(
                "POST", path, body, carried, idle_s=self.timeouts.idle_s, deadline=deadline
            )
        except TimeoutError:
            raise BackendTimeout("no answer in time", backend=self.backend) from None
        except HttpFailure as error:
            down = BackendUnavailable(f"no connection: {error}", backend=self.backend)
            raise NotBegunError(down, hung_up=isinstance(error, HungUp)) from error
        if response.status == 200:
            return response
        raise await self._refused(response)

    async def _refused(self, response: Connection) -> Exception:
        raw = b""
        try:
            while len(raw) < _MAX_ERROR_BYTES and (chunk := await response.read()):
                raw += chunk
        except (TimeoutError, HttpFailure):
            pass  # the status says enough
        finally:
            self._opened().release(response)
        try:
            message = error_message(orjson.loads(raw))
        except orjson.JSONDecodeError:
            message = raw.decode("utf-8", "replace").strip() or response.reason
        error = refusal(
            response.status,
            without_key(message, self.api_key),
            backend=self.backend,
            retry_after_s=retry_after_s(response.headers.get("retry-after")),
        )
        return NotBegunError(error) if isinstance(error, BackendOverloaded) else error

    async def _read(self, response: Connection) -> bytes:
        """The next bytes, `b""` at the end of the body, in however many pieces they came."""
        try:
            return await response.read()
        except TimeoutError:
            raise BackendTimeout("no further token in time", backend=self.backend) from None
        except HttpFailure as error:
            raise BackendProtocolError(
                f"the stream was cut: {error}", backend=self.backend
            ) from error

    async def _drain(self, response: Connection) -> None:
        """Read the body's formal end, so that the connection can serve the next request."""
        with contextlib.suppress(TimeoutError, HttpFailure):
            async with asyncio.timeout(_DRAIN_TIMEOUT_S):
                await response.read()

    def _batch(
        self, events: Iterable[bytes]
    ) -> tuple[list[dict[str, Any]], bool, BackendError | None]:
        """What the events say, whether the end was among them, and what was wrong with the one behind them."""
        batch: list[dict[str, Any]] = []
        for data in events:
            if data.strip() == b"[DONE]":
                return batch, True, None
            try:
                event: Any = orjson.loads(data)
            except orjson.JSONDecodeError:
                return batch, False, self._unreadable("no JSON", data)
            if event.__class__ is not dict:
                return batch, False, self._unreadable("no JSON object", data)
            if failure := event.get("error"):
                return batch, False, self._told(failure)
            batch.append(event)
        return batch, False, None

    def _unreadable(self, what: str, data: bytes) -> BackendError:
        shown = data[:200].decode("utf-8", "replace")
        return BackendProtocolError(f"{what}: {shown!r}", backend=self.backend)

    def _told(self, failure: Any) -> BackendError:
        """An error that the engine sends inside the stream."""
        message = without_key(error_message(failure), self.api_key)
        return refusal(error_status(failure), message, backend=self.backend)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
