"""One streamed chat completion over HTTP: connecting, retrying, reading, letting go.

What it is: from a request body to the JSON of each event, and the certainty that the engine stops when
nobody reads any more. What it is not: an interpreter of the events (`routing.openai_answer`).

Only what has not begun to answer is retried: refused or broken connections, 429 and 503, with the
server's `Retry-After`, as long as the deadline allows. From the first byte on, a failure is final.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import orjson

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
from routing.openai_events import read_together
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
    """One engine's HTTP side. The session is made at the first request and shared.

    `carried` gives the headers that carry the trace of the open turn on to the engine.
    """

    backend: str
    base_url: str
    api_key: str | None = None
    timeouts: HttpTimeouts = field(default_factory=HttpTimeouts)
    retries: Retries = field(default_factory=Retries)
    carried: Callable[[], Mapping[str, str]] | None = None
    _session: aiohttp.ClientSession | None = None

    async def batches(
        self, body: Mapping[str, Any], deadline: float | None
    ) -> AsyncGenerator[list[dict[str, Any]] | End, None]:
        """The JSON of the events that arrived together, at last `End` where the stream ended as agreed.

        Raises a `BackendError`, behind the events that came before it. An error that the engine sends inside
        the stream is raised, too.
        """
        response = await self._open(orjson.dumps(body), deadline)
        try:
            decoder = SseDecoder()
            ended = False
            while not ended and (chunk := await self._read(response, deadline)):
                batch, ended, failure = self._batch(decoder.feed(chunk))
                if batch:
                    yield batch
                if failure:
                    raise failure
            if ended:
                if not response.content.at_eof():
                    await self._drain(response)
                yield End()
                return
            batch, ended, failure = self._batch([*filter(bytes.strip, decoder.finish())])
            if batch:
                yield batch
            if failure:
                raise failure
            if ended:
                yield End()
        finally:
            # A response that was not read to its end closes its connection: the engine notices.
            response.release()

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
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._client().get(url) as response,
            ):
                if response.status >= 400:
                    raise BackendUnavailable(f"HTTP {response.status}", backend=self.backend)
                return await response.read()
        except TimeoutError:
            raise BackendTimeout("no answer in time", backend=self.backend) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise BackendUnavailable(str(error), backend=self.backend) from error

    async def aclose(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            headers = {"Content-Type": "application/json"}
            if self.api_key:
                headers["Authorization"] = f"Bearer {self.api_key}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.timeouts.connect_s),
                headers=headers,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def _open(self, body: bytes, deadline: float | None) -> aiohttp.ClientResponse:
        return await retried(lambda: self._post(body, deadline), self.retries, deadline)

    async def _post(self, body: bytes, deadline: float | None) -> aiohttp.ClientResponse:
        url, carried = f"{self.base_url}/chat/completions", self.carried and self.carried()
        try:
            async with self._bounded(deadline):
                response = await self._client().post(url, data=body, headers=carried)
        except aiohttp.ServerTimeoutError as error:
            down = BackendUnavailable(f"no connection: {error}", backend=self.backend)
            raise NotBegunError(down) from error
        except TimeoutError:
            raise BackendTimeout("no answer in time", backend=self.backend) from None
        except (aiohttp.ClientError, OSError) as error:
            down = BackendUnavailable(f"no connection: {error}", backend=self.backend)
            hung_up = isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError)
            raise NotBegunError(down, hung_up=hung_up) from error
        if response.status == 200:
            return response
        raise await self._refused(response, deadline)

    async def _refused(self, response: aiohttp.ClientResponse, deadline: float | None) -> Exception:
        try:
            async with self._bounded(deadline):
                raw = await response.content.read(_MAX_ERROR_BYTES)
        except (TimeoutError, aiohttp.ClientError, OSError):
            raw = b""  # the status says enough
        finally:
            response.release()
        try:
            message = error_message(orjson.loads(raw))
        except orjson.JSONDecodeError:
            message = raw.decode("utf-8", "replace").strip() or response.reason or ""
        error = refusal(
            response.status,
            without_key(message, self.api_key),
            backend=self.backend,
            retry_after_s=retry_after_s(response.headers.get("Retry-After")),
        )
        return NotBegunError(error) if isinstance(error, BackendOverloaded) else error

    async def _read(self, response: aiohttp.ClientResponse, deadline: float | None) -> bytes:
        """The next bytes, `b""` at the end of the body, in however many pieces they came."""
        try:
            async with self._bounded(deadline):
                return await response.content.readany()
        except TimeoutError:
            raise BackendTimeout("no further token in time", backend=self.backend) from None
        except (aiohttp.ClientError, OSError) as error:
            raise BackendProtocolError(
                f"the stream was cut: {error!r}", backend=self.backend
            ) from error

    async def _drain(self, response: aiohttp.ClientResponse) -> None:
        """Read the body's formal end, so that the connection can serve the next request."""
        with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(_DRAIN_TIMEOUT_S):
                await response.content.readany()

    def _batch(self, events: list[bytes]) -> tuple[list[dict[str, Any]], bool, BackendError | None]:
        """What the events say, whether the end was among them, and what was wrong with the one behind them."""
        ended = len(events) > 1 and events[-1] == b"[DONE]"
        if (told := read_together(events[:-1] if ended else events)) is not None:
            return told, ended, None
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

    def _bounded(self, deadline: float | None) -> asyncio.Timeout:
        idle = asyncio.get_running_loop().time() + self.timeouts.idle_s
        return asyncio.timeout_at(idle if deadline is None else min(idle, deadline))
