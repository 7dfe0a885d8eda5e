"""One streamed chat completion over HTTP: connecting, retrying, reading, letting go.

What it is: from a request body to the JSON of each event, and the certainty that the engine stops when
nobody reads any more. What it is not: an interpreter of the events (`routing.openai_answer`).

Only what has not begun to answer is retried: refused or broken connections, 429 and 503, with the
server's `Retry-After`, as long as the deadline allows. From the first byte on, a failure is final.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

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
from routing.http1 import Answer, HttpClient, HttpError, HungUp, end_of_wait
from routing.http1.origin import Origin, target_of
from routing.openai_events import read_together
from routing.sse import SseDecoder

READY_TIMEOUT_S: Final = 2.0
_DRAIN_TIMEOUT_S: Final = 0.25
_MAX_ERROR_BYTES: Final = 65_536
_MAX_BYTES: Final = 16 * 1024 * 1024
"""Of what an engine tells of itself."""


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
    """One engine's HTTP side. Its connections are made as they are needed and kept.

    `carried` gives the headers that carry the trace of the open turn on to the engine.
    """

    backend: str
    base_url: str
    api_key: str | None = None
    timeouts: HttpTimeouts = field(default_factory=HttpTimeouts)
    retries: Retries = field(default_factory=Retries)
    carried: Callable[[], Mapping[str, str]] | None = None
    _client: HttpClient = field(init=False)
    _target: str = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Content-Type": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        origin = Origin.of(self.base_url)
        self._client = HttpClient(origin, headers, connect_s=self.timeouts.connect_s)
        self._target = target_of(f"{self.base_url}/chat/completions")

    async def batches(
        self, body: Mapping[str, Any], deadline: float | None
    ) -> AsyncGenerator[list[dict[str, Any]] | End, None]:
        """The JSON of the events that arrived together, at last `End` where the stream ended as agreed.

        Raises a `BackendError`, behind the events that came before it. An error that the engine sends inside
        the stream is raised, too.
        """
        told = orjson.dumps(body)
        answer = await retried(lambda: self._post(told, deadline), self.retries, deadline)
        try:
            decoder = SseDecoder()
            ended = False
            idle_s = self.timeouts.idle_s
            while not ended and (chunk := await answer.read(end_of_wait(idle_s, deadline))):
                batch, ended, failure = self._batch(decoder.feed(chunk))
                if batch:
                    yield batch
                if failure:
                    raise failure
            if ended:
                if not answer.at_end:
                    await self._drain(answer)
                yield End()
                return
            batch, ended, failure = self._batch([*filter(bytes.strip, decoder.finish())])
            if batch:
                yield batch
            if failure:
                raise failure
            if ended:
                yield End()
        except TimeoutError:
            raise BackendTimeout("no further token in time", backend=self.backend) from None
        except HttpError as error:
            cut = f"the stream was cut: {error}"
            raise BackendProtocolError(cut, backend=self.backend) from error
        finally:
            # An answer that was not read to its end closes its connection: the engine notices.
            answer.release()

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
        until = end_of_wait(timeout_s)
        try:
            answer = await self._client.get(target_of(url), until)
            try:
                if answer.status >= 300:  # redirects are not followed
                    raise BackendUnavailable(f"HTTP {answer.status}", backend=self.backend)
                return await answer.read_all(_MAX_BYTES, until)
            finally:
                answer.release()
        except TimeoutError:
            raise BackendTimeout("no answer in time", backend=self.backend) from None
        except HttpError as error:
            raise BackendUnavailable(str(error), backend=self.backend) from error

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _post(self, body: bytes, deadline: float | None) -> Answer:
        carried = self.carried and self.carried()
        until = end_of_wait(self.timeouts.idle_s, deadline)
        try:
            answer = await self._client.post(self._target, body, until, carried)
        except TimeoutError:
            raise BackendTimeout("no answer in time", backend=self.backend) from None
        except HttpError as error:
            down = BackendUnavailable(f"no connection: {error}", backend=self.backend)
            raise NotBegunError(down, hung_up=isinstance(error, HungUp)) from error
        if answer.status != 200:
            raise await self._refused(answer, deadline)
        if packed := answer.header("content-encoding"):
            answer.release()
            what = f"the answer is packed ({packed}), which was not asked for"
            raise BackendProtocolError(what, backend=self.backend)
        return answer

    async def _refused(self, answer: Answer, deadline: float | None) -> Exception:
        try:
            until = end_of_wait(self.timeouts.idle_s, deadline)
            raw = await answer.read_all(_MAX_ERROR_BYTES, until)
        except (TimeoutError, HttpError):
            raw = b""  # the status says enough
        finally:
            answer.release()
        try:
            message = error_message(orjson.loads(raw))
        except orjson.JSONDecodeError:
            reason = answer.reason.decode("latin-1")
            message = raw.decode("utf-8", "replace").strip() or reason
        error = refusal(
            answer.status,
            without_key(message, self.api_key),
            backend=self.backend,
            retry_after_s=retry_after_s(answer.header("retry-after")),
        )
        return NotBegunError(error) if isinstance(error, BackendOverloaded) else error

    async def _drain(self, answer: Answer) -> None:
        """Read the body's formal end, so that the connection can serve the next request."""
        with contextlib.suppress(TimeoutError, HttpError):
            await answer.read(end_of_wait(_DRAIN_TIMEOUT_S))

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
