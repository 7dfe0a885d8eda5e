"""What is answered in the place of an HTTP server that can't, or whose answer the SDK would misread.

What it is: a transport under the SDK's, which turns broken connections, refusals and forgotten sessions into
errors of the protocol. What it is not: what they mean for a call (`tools.mcp.client`).
"""

from __future__ import annotations

import json
import secrets
from typing import Any, cast

import httpx2
from mcp_types import CONNECTION_CLOSED

_SHORT_BODY = 4_096
_OURS = secrets.token_hex(8)
"""Marks errors that are made here; no server can guess it."""


class Translating(httpx2.AsyncBaseTransport):
    """Answers in the place of a server that can't: as an error of the protocol, to that one request.

    Left alone, the SDK takes a connection that fails for the end of the session and of every call in it.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            answer = await self._inner.handle_async_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            return _instead("unavailable", f"can't be reached: {error}", sent=False)
        except httpx2.TransportError as error:
            return _instead(
                "unavailable", f"broke the connection: {type(error).__name__}", sent=True
            )
        if "mcp-session-id" in request.headers and await _has_forgotten(answer):
            await answer.aclose()
            return _instead("expired", "the session has expired", sent=False)
        if answer.status_code in (401, 403, 429) or (
            answer.status_code >= 500 and "json" not in answer.headers.get("content-type", "")
        ):
            await answer.aclose()
            refused = answer.status_code < 500
            return _instead("unavailable", f"HTTP {answer.status_code}", sent=not refused)
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _has_forgotten(answer: httpx2.Response) -> bool:
    """Whether the server does not know the session: 404, as the protocol says.

    Servers built after the reference ones say 400, and why in words; no request gets past that.
    """
    if answer.status_code != 400:
        return answer.status_code == 404
    if not 0 < int(answer.headers.get("content-length", 0)) <= _SHORT_BODY:
        return False
    text = (await answer.aread()).lower()
    return b"-32000" in text and (b"session id" in text or b"not initialized" in text)


def _instead(kind: str, message: str, *, sent: bool) -> httpx2.Response:
    data = {"made": _OURS, "kind": kind, "sent": sent}
    error = {"code": CONNECTION_CLOSED, "message": message[:500], "data": data}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
    return httpx2.Response(502, headers={"content-type": "application/json"}, content=body)


def made_here(data: Any) -> dict[str, Any] | None:
    """`{kind, sent}` if an error's data is of ours: `kind` is `expired` or `unavailable`."""
    if not isinstance(data, dict):
        return None
    found = cast("dict[str, Any]", data)
    return found if found.get("made") == _OURS else None
