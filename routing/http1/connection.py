"""One connection: a request at a time goes out, its answer is taken apart as it comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from routing.http1.answer import Answer
from routing.http1.errors import CutShort, HttpError, HungUp

_MOST_UNREAD: Final = 256 * 1024
"""Bytes of a body that nobody has read yet, above which the engine has to wait."""
_SMALL: Final = 64 * 1024
"""Bytes of a body that is sent in one piece with its head."""
_MOST_AROUND: Final = 64 * 1024
"""Bytes that may come without a head being complete or a body growing: heads, trailers, sizes of chunks."""


class Connection(asyncio.Protocol):
    """Bytes in both directions for one request after the other.

    `on_free` is told when the next request may be sent, `on_lost` when none can be any more.
    One timer serves all waits: it is moved only for a wait that ends before it.
    """

    def __init__(
        self, on_free: Callable[[Connection], None], on_lost: Callable[[Connection], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_free, self._on_lost = on_free, on_lost
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0
        self._unread = 0
        self._around = 0
        self._is_paused = False
        self._has_grown = False
        self._may_stay = False
        self.free_since = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a request may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, head: bytes, body: bytes, until: float) -> Answer:
        """Send a head and a body, and give the answer when its head is there.

        Raises `HungUp` and TimeoutError; the connection is closed then, as it is when this is cancelled.
        """
        transport = self._transport
        if transport is None:
            raise HungUp("the connection is closed")
        answer = self._answer = Answer(self)
        self._may_stay = False
        self._unread = self._around = 0
        transport.write(head + body if len(body) < _SMALL else head)
        if len(body) >= _SMALL:
            transport.write(body)
        try:
            while not answer.status and answer.failure is None:
                await self._news(until)
        except BaseException:
            self.close()
            raise
        if not answer.status and answer.failure is not None:
            self.close()
            raise answer.failure
        return answer

    async def more_of(self, answer: Answer, until: float) -> bytes:
        """See `Answer.read`."""
        if self._loop.time() >= until:  # an engine that never stops would never make it wait
            raise TimeoutError
        while not answer.pieces:
            if answer.is_whole:
                return b""
            if answer.failure is not None:
                raise answer.failure
            await self._news(until)
        pieces = answer.pieces
        found = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._unread = 0
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return found

    def leave(self, answer: Answer) -> None:
        """The answer will not be read any further. Only what is whole, both ways, leaves the connection usable."""
        transport = self._transport
        self._answer = None
        if (
            answer.is_whole
            and self._may_stay
            and not self._is_paused
            and transport is not None
            and not transport.is_closing()
            and not transport.get_write_buffer_size()
        ):
            self._on_free(self)
        else:
            self.close()

    def close(self) -> None:
        """Close at once: the other end notices, what was not sent yet is not sent."""
        if self._transport is not None:
            self._transport.abort()

    async def _news(self, until: float) -> None:
        """Return when something has come. Raises TimeoutError."""
        if self._timer is None or until < self._timer.when():
            self._set_timer(until)
        self._until = until
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _set_timer(self, until: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(until, self._time_is_over)

    def _time_is_over(self) -> None:
        self._timer = None
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if self._loop.time() >= self._until:
            waiter.set_exception(TimeoutError())
        else:
            self._set_timer(self._until)

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, why: str) -> None:
        answer = self._answer
        if answer is not None and not answer.is_whole and answer.failure is None:
            kind: type[HttpError] = CutShort if answer.status else HungUp
            answer.failure = kind(why)
        self._wake()

    # What the event loop calls:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        parser = self._parser
        if parser is None:
            return
        if self._answer is None:  # nothing was asked
            self.close()
            return
        self._has_grown = False
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(f"what came is no answer of HTTP: {error}")
            self.close()
            return
        if self._has_grown:
            self._around = 0
            if self._unread > _MOST_UNREAD and not self._is_paused and self._transport is not None:
                self._is_paused = True
                self._transport.pause_reading()
        else:
            self._around += len(data)
            if self._around > _MOST_AROUND:
                self._fail(f"a head of more than {_MOST_AROUND} bytes")
                self.close()
                return
        self._wake()

    def eof_received(self) -> None:
        """The other end says no more: that ends a body of which nothing else tells the length."""
        answer = self._answer
        if answer is not None and answer.status and not answer.failure:
            told = answer.headers.keys() & {b"content-length", b"transfer-encoding"}
            if not told:
                answer.is_whole = True
                self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = None
        self._parser = None  # which holds this connection
        self._fail(f"the connection was closed{f': {exc}' if exc else ''}")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._on_lost(self)

    # What the parser calls:

    def on_message_begin(self) -> None:
        """See `httptools.HTTPProtocol`. An answer that nobody asked for follows a whole one."""
        if self._answer is not None and self._answer.is_whole:
            self.close()

    def on_status(self, status: bytes) -> None:
        """See `httptools.HTTPProtocol`."""
        answer = self._answer
        if answer is not None and not answer.status:
            answer.reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `httptools.HTTPProtocol`. What comes behind the body is left out."""
        answer = self._answer
        if answer is not None and not answer.status:
            answer.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """See `httptools.HTTPProtocol`. 100 and its like announce another head."""
        answer, parser = self._answer, self._parser
        if answer is None or parser is None or answer.is_whole:
            return
        status = parser.get_status_code()
        if status < 200:
            answer.headers.clear()
            answer.reason = b""
        else:
            answer.status = status
        self._has_grown = True

    def on_body(self, body: bytes) -> None:
        """See `httptools.HTTPProtocol`."""
        answer = self._answer
        if answer is not None and not answer.is_whole:
            answer.pieces.append(body)
            self._unread += len(body)
            self._has_grown = True

    def on_message_complete(self) -> None:
        """See `httptools.HTTPProtocol`. Called for 100 and its like, too."""
        answer, parser = self._answer, self._parser
        if answer is not None and parser is not None and answer.status:
            answer.is_whole = True
            self._may_stay = parser.should_keep_alive()
            self._has_grown = True
