"""One HTTP/1.1 connection to an engine: a request out, its answer back as bytes come, then the next.

What it is: httptools' parser between a transport and whoever reads, one timer for all waits of an answer.
What it is not: a client for the web. No redirects, cookies, proxies or compression: none is asked for.

An answer that is not read to its end can't share its connection with a next one: `abort` closes it, and the
engine notices.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final, Protocol, cast

import httptools

_MOST_HEAD_BYTES: Final = 65_536
_MOST_UNREAD_BYTES: Final = 262_144
"""What an engine may be ahead of its reader, before it is not listened to for a while."""


class HttpFailure(Exception):
    """The connection failed, or what came was no HTTP."""


class HungUp(HttpFailure):
    """The connection was closed before a byte of the answer came, as a kept one is after its time."""


class _Parser(Protocol):
    """What is used of `httptools.HttpResponseParser`, which tells no types."""

    def feed_data(self, data: bytes) -> None: ...
    def get_status_code(self) -> int: ...
    def should_keep_alive(self) -> bool: ...


class Connection(asyncio.Protocol):
    """A request is `sent`, then `status` and `headers` are there, and `read` until it gives nothing."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.status = 0
        self.reason = ""
        self.headers: dict[str, str] = {}
        self.kept_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = cast("_Parser", httptools.HttpResponseParser(self))
        self._chunks: list[bytes] = []
        self._unread = 0
        self._is_paused = False
        self._head_bytes = 0
        self._heard = self._has_head = self._is_done = self._is_reusable = False
        self._failure: HttpFailure | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._idle_s = math.inf
        self._deadline = math.inf
        self._until = math.inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_usable(self) -> bool:
        """Whether a next request may be sent: the last answer was read, and both sides keep the connection."""
        usable = self._is_reusable and self._is_done and not self._chunks and self._failure is None
        return usable and self._transport is not None and not self._transport.is_closing()

    async def send(self, request: bytes, idle_s: float, deadline: float | None) -> None:
        """Send a whole request and wait for the head of its answer.

        `idle_s` bounds each wait for bytes, `deadline` (a reading of the loop's clock) the whole answer.
        Raises TimeoutError and `HttpFailure`.
        """
        self.status, self.reason, self.headers = 0, "", {}
        self._chunks, self._unread, self._head_bytes = [], 0, 0
        self._heard = self._has_head = self._is_done = self._is_reusable = False
        self._idle_s = idle_s
        self._deadline = math.inf if deadline is None else deadline
        if self._transport is None or self._transport.is_closing():
            raise self._failure or HungUp("the connection is closed")
        self._transport.write(request)
        while not self._has_head:
            if self._failure is not None:
                raise self._failure
            await self._wait()

    async def read(self) -> bytes:
        """The next bytes of the body, `b""` at its end. Raises TimeoutError and `HttpFailure`."""
        while not self._chunks:
            if self._is_done:
                return b""
            if self._failure is not None:
                raise self._failure
            await self._wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks, self._unread = [], 0
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    @property
    def is_at_end(self) -> bool:
        """Whether all of the body came, read or not."""
        return self._is_done

    def rest(self) -> None:
        """Nothing is waited for until the next request."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def abort(self) -> None:
        """Close it at once."""
        self.rest()
        if self._transport is not None:
            self._transport.abort()

    # what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._is_done:  # nothing was asked for
            self._is_reusable = False
            self.abort()
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(HttpFailure(f"no HTTP: {error}"))
            self.abort()
        if (
            self._unread > _MOST_UNREAD_BYTES
            and not self._is_paused
            and self._transport is not None
        ):
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_reusable = False
        if not self._is_done:
            if self._has_head and not exc and not self._is_framed():
                self._is_done = True  # its length was not told: it ends with the connection
            elif self._heard:
                self._fail(HttpFailure(str(exc) if exc else "closed in the middle"))
            else:
                self._fail(HungUp(str(exc) if exc else "closed without an answer"))
        self._wake()

    # what the parser tells

    def on_message_begin(self) -> None:
        if self._is_done:
            raise ValueError("more than one answer")

    def on_status(self, status: bytes) -> None:
        self.reason += status.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _MOST_HEAD_BYTES:
            raise ValueError("too many headers")
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self._has_head = True
        else:  # something to be going on with: the answer follows
            self.reason, self.headers = "", {}

    def on_body(self, data: bytes) -> None:
        self._chunks.append(data)
        self._unread += len(data)

    def on_message_complete(self) -> None:
        if self._has_head:
            self._is_done = True
            self._is_reusable = self._parser.should_keep_alive()

    # waiting

    async def _wait(self) -> None:
        now = self.loop.time()
        self._until = min(now + self._idle_s, self._deadline)
        if self._until <= now:
            raise TimeoutError
        if self._timer is None or self._timer.when() > self._until:
            self.rest()
            if self._until < math.inf:
                self._timer = self.loop.call_at(self._until, self._look)
        self._waiter = self.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _look(self) -> None:
        """The timer of the first wait rang: end this one, or ring again when it has taken long enough."""
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self.loop.time() >= self._until:
            self._waiter.set_exception(TimeoutError())
        else:
            self._timer = self.loop.call_at(self._until, self._look)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, failure: HttpFailure) -> None:
        self._failure = self._failure or failure

    def _is_framed(self) -> bool:
        chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        return chunked or "content-length" in self.headers
