"""Requests to one engine over HTTP, on connections that are kept.

`aiohttp` does more than is needed here, for three times the time of a request: an engine is one origin, asked
the same thing in every turn. Here a request is a few bytes put together, and a connection out of a list.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from routing.backends.http_connection import Connection, HttpFailure

_KEPT_S: Final = 30.0
"""How long a connection is kept that nobody uses."""
_FORBIDDEN: Final = "\r\n\0"


class NotConnected(HttpFailure):
    """No connection came about."""


class HttpClient:
    """`url` is where the engine is, `http` or `https`; `headers` go with every request. Connects within `connect_s`."""

    def __init__(self, url: str, headers: Mapping[str, str], connect_s: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._tls: ssl.SSLContext | None = None
        self._connect_s = connect_s
        place = parts.netloc.rpartition("@")[2]
        told = {"Host": place, "Accept": "*/*", "User-Agent": "gateway", **headers}
        if parts.username is not None and "Authorization" not in told:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            told["Authorization"] = f"Basic {b64encode(pair).decode()}"
        self._headers = _written(told)
        self._kept: list[Connection] = []
        self._used: set[Connection] = set()

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        idle_s: float,
        deadline: float | None = None,
    ) -> Connection:
        """Send a request and wait for the head of its answer; the connection is to be given back by `release`.

        Raises `NotConnected`, `HttpFailure` and TimeoutError.
        """
        more = _written(headers) if headers else b""
        start = f"{method} {path} HTTP/1.1\r\n".encode("ascii")
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        connection = self._waiting() or await self._connected(deadline)
        self._used.add(connection)
        try:
            request = b"".join((start, self._headers, more, length, body))
            await connection.send(request, idle_s, deadline)
        except BaseException:
            self._used.discard(connection)
            connection.abort()
            raise
        return connection

    def release(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to the end; close any other."""
        self._used.discard(connection)
        if not connection.is_usable:
            connection.abort()
            return
        connection.rest()
        connection.kept_since = now = connection.loop.time()
        self._kept.append(connection)
        while self._kept[0].kept_since < now - _KEPT_S:
            self._kept.pop(0).abort()

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in (*self._kept, *self._used):
            connection.abort()
        self._kept.clear()
        self._used.clear()
        await asyncio.sleep(0)  # for the transports to be closed

    def _waiting(self) -> Connection | None:
        """The connection that was used last, if it may be used still."""
        loop = asyncio.get_running_loop()
        while self._kept:
            connection = self._kept.pop()
            fresh = connection.loop is loop and connection.kept_since >= loop.time() - _KEPT_S
            if fresh and connection.is_usable:
                return connection
            if connection.loop is loop:
                connection.abort()
        return None

    async def _connected(self, deadline: float | None) -> Connection:
        if self._secure and self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._connect_s
        try:
            async with asyncio.timeout_at(until if deadline is None else min(until, deadline)):
                _, connection = await loop.create_connection(
                    Connection, self._host, self._port, ssl=self._tls
                )
        except TimeoutError as error:
            if deadline is not None and deadline <= loop.time():
                raise
            raise NotConnected("not within the time for it") from error
        except OSError as error:
            raise NotConnected(str(error)) from error
        return connection


def _written(headers: Mapping[str, str]) -> bytes:
    """Headers as they are sent. Raises ValueError for one that would be more than a header."""
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    for name, value in headers.items():
        if any(each in name or each in value for each in _FORBIDDEN):
            raise ValueError(f"the header {name[:64]!r} holds the end of a line")
    return "".join(lines).encode("latin-1", "replace")
