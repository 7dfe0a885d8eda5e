"""`/console`: the web page, as the files that it is made of.

Plain modules from `gateway/console`; nothing is built, nothing comes from elsewhere. The page asks the
same REST surface as everyone: these files hold no data, so they need no key. The policy below lets the
browser run and load what is here only, and makes text from models and tools impossible to take for HTML
(Trusted Types).
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.api.errors import ApiError

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-cache",
}
_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


@cache
def _assets() -> dict[str, tuple[bytes, str]]:
    """Every file of the page: its bytes, and a digest of them."""
    found: dict[str, tuple[bytes, str]] = {}
    for file in files("gateway.console").iterdir():
        if file.name.rpartition(".")[2] in _TYPES:
            content = file.read_bytes()
            found[file.name] = content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return found


async def _page(request: Request) -> Response:
    return _asset(request, "index.html")


async def _file(request: Request) -> Response:
    return _asset(request, request.path_params["name"])


async def _to_the_page(_request: Request) -> Response:
    # Relative, so that it holds behind a proxy that serves the gateway under a path of its own.
    return RedirectResponse("../console", 308)


def _asset(request: Request, name: str) -> Response:
    found = _assets().get(name)
    if found is None:
        raise ApiError(404, f"no file {name[:64]!r} in the console", code="not_found")
    content, tag = found
    headers = {**_HEADERS, "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    media_type = _TYPES[name.rpartition(".")[2]]
    return Response(content, headers=headers, media_type=media_type)


routes = [
    Route("/console", _page, name="console"),
    Route("/console/", _to_the_page),
    Route("/console/{name}", _file),
]
