"""Requests to one origin over connections that are kept for the next one."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Mapping

import aiohappyeyeballs

from routing.http1.answer import Answer
from routing.http1.connection import Connection
from routing.http1.errors import NoConnection
from routing.http1.origin import Origin

_KEPT_S = 30.0
_CLOSE_S = 1.0
_NEXT_ADDRESS_S = 0.25
"""After which the next address of a name is tried beside the one before: RFC 8305."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNWRITABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")


class HttpClient:
    """Asks one origin. Connections are made as they are needed, and closed after 30 s without use.

    `headers` go with every request. `kept` is how many connections at most wait for a next request.
    Belongs to the event loop in which it is first used.
    """

    def __init__(
        self,
        origin: Origin,
        headers: Mapping[str, str] | None = None,
        *,
        connect_s: float = 5.0,
        kept: int = 1_000,
    ) -> None:
        self._origin = origin
        self._connect_s = connect_s
        self._kept = kept
        self._head = _lines(
            {"Host": origin.authority, "User-Agent": "agentic-gateway", **(headers or {})}
        )
        self._free: list[Connection] = []
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._tls: ssl.SSLContext | None = None
        self._all_lost: asyncio.Event | None = None

    async def post(
        self, target: str, body: bytes, until: float, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask with a body; the answer's head is there, and the caller releases it.

        `target` is a path in ASCII, `until` a reading of the event loop's clock. Raises `NoConnection`, `HungUp` and
        TimeoutError, ValueError for a header that can't be sent.
        """
        told = f"{_lines(headers) if headers else ''}Content-Length: {len(body)}\r\n\r\n"
        return await self._ask(f"POST {target} HTTP/1.1\r\n{self._head}{told}", body, until)

    async def get(self, target: str, until: float) -> Answer:
        """Ask without a body. As `post`."""
        return await self._ask(f"GET {target} HTTP/1.1\r\n{self._head}\r\n", b"", until)

    async def aclose(self) -> None:
        """Close every connection. A later request opens new ones."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        self._free.clear()
        for connection in [*self._open]:
            connection.close()
        if self._open:
            self._all_lost = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await self._all_lost.wait()

    async def _ask(self, head: str, body: bytes, until: float) -> Answer:
        connection = self._take() or await self._connect(until)
        return await connection.ask(head.encode("latin-1"), body, until)

    def _take(self) -> Connection | None:
        """The connection that was used last: the others grow old and are closed."""
        while self._free:
            connection = self._free.pop()
            if connection.is_open:
                return connection
        return None

    async def _connect(self, until: float) -> Connection:
        loop, origin = asyncio.get_running_loop(), self._origin
        latest = loop.time() + self._connect_s
        try:
            async with asyncio.timeout_at(min(latest, until)):
                if origin.is_secure and self._tls is None:
                    self._tls = await asyncio.to_thread(_tls)  # it reads all certificates
                found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
                reached = await aiohappyeyeballs.start_connection(  # pyright: ignore[reportUnknownMemberType]
                    found, happy_eyeballs_delay=_NEXT_ADDRESS_S, loop=loop
                )
                _, connection = await loop.create_connection(
                    lambda: Connection(self._on_free, self._on_lost),
                    sock=reached,
                    ssl=self._tls,
                    server_hostname=origin.host if origin.is_secure else None,
                )
        except TimeoutError:
            if until <= latest:
                raise
            raise NoConnection(f"none within {self._connect_s:g} s") from None
        except (OSError, RuntimeError) as error:  # uvloop raises a RuntimeError of some sockets
            raise NoConnection(str(error)) from error
        self._open.add(connection)
        return connection

    def _on_free(self, connection: Connection) -> None:
        if len(self._free) >= self._kept:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.free_since = loop.time()
        self._free.append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(_KEPT_S, self._sweep)

    def _on_lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        if self._all_lost is not None and not self._open:
            self._all_lost.set()

    def _sweep(self) -> None:
        """Close what was not used for long, and look again as long as something is kept."""
        loop = asyncio.get_running_loop()
        oldest = loop.time() - _KEPT_S
        for one in self._free:
            if one.free_since <= oldest:
                one.close()
        self._free = [one for one in self._free if one.is_open]
        self._sweeper = loop.call_later(_KEPT_S, self._sweep) if self._free else None


def _lines(headers: Mapping[str, str]) -> str:
    """Header lines as they are sent. Raises ValueError for what would end a line or can't be written."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or _UNWRITABLE.search(value):
            raise ValueError(f"the header {name!r} can't be sent with this value")
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()])


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
