"""The HTTP sessions that all HTTP tools share, and the one exchange they are used for.

What it is: two aiohttp sessions, one that refuses private addresses at connect time and one for tools
that may reach them; no cookies, no proxies from the environment, no redirects, no decompression, bodies
bounded; aiohttp's exceptions translated to `tools.errors`.
What it is not: knowledge of tools; `tools.executors.http` decides what is asked and what the answer means.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from tools.errors import ToolFailed, ToolTimeout, ToolUnavailable
from tools.executor import UNHEARD_S
from tools.executors.addresses import RefusedAddress, guarded_socket, refusal

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

MAX_BODY_BYTES = 1024 * 1024
_CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Request:
    """One exchange. `timeout_s` bounds all of it, in seconds; `max_bytes` the body that is read."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout_s: float
    allow_private: bool
    max_bytes: int = MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. `cut` when the body went on beyond what was to be read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool
    charset: str


class HttpSessions:
    """Opened at the first use inside a running loop, closed with `aclose`.

    `carried` gives the headers that carry a call's trace on to its tool, by the call's id.
    """

    def __init__(
        self,
        resolver: AbstractResolver | None = None,
        carried: Callable[[str], Mapping[str, str]] | None = None,
    ) -> None:
        self._resolver = resolver
        self.carried = carried
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def aclose(self) -> None:
        """Close every connection. A later exchange opens new ones."""
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()

    async def exchange(self, request: Request) -> Response:
        """Send one request and read its answer, bounded in time and size.

        Raises `ToolFailed` for a refused address, `ToolTimeout`, and `ToolUnavailable` whose `sent`
        tells whether the request can have arrived.
        """
        url = URL(request.url, encoded=True)
        if not request.allow_private:
            _refuse_literal(url)
        session = self._session(allow_private=request.allow_private)
        asking = session.request(
            request.method,
            url,
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=request.timeout_s, connect=_CONNECT_S),
        )
        async with _translated(url), asking as answer:
            body, cut = await _read(answer, request.max_bytes)
            return Response(answer.status, answer.headers, body, cut, answer.charset or "utf-8")

    def _session(self, *, allow_private: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(allow_private)
        if session is None or session.closed:
            # Not above: a server puts off aiohttp (`gateway.cli.starting`) until something is exchanged.
            from aiohttp.resolver import DefaultResolver

            from tools.executors.guarded_resolver import GuardedResolver

            resolver = self._resolver or DefaultResolver()
            connector = aiohttp.TCPConnector(
                resolver=resolver if allow_private else GuardedResolver(resolver),
                socket_factory=_any_socket if allow_private else _guarded_socket,
                limit=100,
                use_dns_cache=False,
            )
            session = self._sessions[allow_private] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return session


def _any_socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)  # noqa: FBT003 - the socket's own signature
    return _bounded(made)


def _guarded_socket(address: tuple[Any, ...]) -> socket.socket:
    return _bounded(guarded_socket(address))


def _bounded(made: socket.socket) -> socket.socket:
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux
    if option is not None:
        made.setsockopt(socket.IPPROTO_TCP, option, int(UNHEARD_S * 1000))
    return made


def _refuse_literal(url: URL) -> None:
    if url.raw_user is not None or url.raw_password is not None:
        raise ToolFailed(f"{url.host} may not be asked: the URL holds credentials")
    if (why := refusal(url.host or "")) is not None:
        raise ToolFailed(f"{why}, which this tool may not reach")


async def _read(answer: aiohttp.ClientResponse, most: int) -> tuple[bytes, bool]:
    found = bytearray()
    async for chunk in answer.content.iter_chunked(64 * 1024):
        found += chunk
        if len(found) > most:
            answer.close()
            return bytes(found[:most]), True
    return bytes(found), False


@asynccontextmanager
async def _translated(url: URL) -> AsyncGenerator[None]:
    """Translate aiohttp's exceptions into ours, the most specific first."""
    host = url.host
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise ToolUnavailable(
            f"{host} can't be reached: no connection in time", sent=False
        ) from error
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, RefusedAddress):
            raise ToolFailed(
                f"{host} leads to a private address, which this tool may not reach"
            ) from error
        raise ToolUnavailable(f"{host} can't be reached: {_reason(error)}", sent=False) from error
    except aiohttp.InvalidURL as error:
        raise ToolFailed(f"{host} is no address that can be asked") from error
    except TimeoutError as error:
        raise ToolTimeout(f"{host} gave no answer in time") from error
    except aiohttp.ClientError as error:
        raise ToolUnavailable(f"{host} broke the connection: {type(error).__name__}") from error


def _reason(error: aiohttp.ClientConnectorError) -> str:
    return error.os_error.strerror or type(error.os_error).__name__
