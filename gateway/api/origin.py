"""Who may ask a gateway on this machine: no web page whose name was made to point here.

A page of another origin can reach `127.0.0.1` by its own name (DNS rebinding), and open a WebSocket to
any address without asking. So what arrives over loopback has to name a loopback host: everything where no key
is asked for, and the WebSocket and MCP in any case. There a browser's `Origin` has to be a loopback one as
well, wherever it arrives: pages elsewhere have no business here.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import Scope

from gateway.api.asgi import header
from gateway.api.errors import ApiError


def require_own_host(scope: Scope) -> None:
    """Raises 421 for a foreign `Host` over loopback."""
    server: tuple[str, int | None] | None = scope.get("server")
    if server is None or not _is_loopback(server[0]):
        return
    host = header(scope, b"host")
    if not (host and _names_loopback(b"//" + host)):
        raise ApiError(421, "the Host header has to name this machine", code="wrong_host")


def require_own_origin(scope: Scope) -> None:
    """Raises 421 for a foreign `Host` over loopback, 403 for a foreign `Origin`."""
    require_own_host(scope)
    origin = header(scope, b"origin")
    if origin is not None and not _names_loopback(origin):
        raise ApiError(
            403, "pages of other origins are refused", code="wrong_origin", kind="permission_error"
        )


@lru_cache(maxsize=32)  # it is asked of every request, and nearly always the same
def _names_loopback(url: bytes) -> bool:
    try:
        return _is_loopback(urlsplit(url.decode("latin-1")).hostname)
    except ValueError:
        return False


@lru_cache(maxsize=32)
def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return False
