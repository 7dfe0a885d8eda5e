"""Who may ask a gateway on this machine: no web page whose name was made to point here.

A page of another origin can reach `127.0.0.1` by its own name (DNS rebinding), and open a WebSocket to
any address without asking. So what arrives over loopback has to name a loopback host, and a browser's
`Origin` has to be a loopback one wherever it arrives: pages elsewhere have no business here.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import Scope

from gateway.api.asgi import header
from gateway.api.errors import ApiError


def require_own_origin(scope: Scope) -> None:
    """Raises 421 for a foreign `Host` over loopback, 403 for a foreign `Origin`."""
    server: tuple[str, int | None] | None = scope.get("server")
    over_loopback = server is not None and _is_loopback(server[0])
    host = header(scope, b"host")
    if over_loopback and not (host and _is_loopback(_hostname(b"//" + host))):
        raise ApiError(421, "the Host header has to name this machine", code="wrong_host")
    origin = header(scope, b"origin")
    if origin is not None and not _is_loopback(_hostname(origin)):
        raise ApiError(
            403, "pages of other origins are refused", code="wrong_origin", kind="permission_error"
        )


def _hostname(url: bytes) -> str | None:
    try:
        return urlsplit(url.decode("latin-1")).hostname
    except ValueError:
        return None


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return False
