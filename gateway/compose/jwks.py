"""Fetching an issuer's public keys."""

from __future__ import annotations

from tools.errors import ExecutionError
from tools.executors.http_session import HttpSessions, Request


class JwksSource:
    """The JWKS document at a URL that the operator named; `sessions` are not closed here."""

    def __init__(self, url: str, sessions: HttpSessions) -> None:
        self._request = Request(
            "GET", url, {"accept": "application/json"}, None, 10.0, allow_private=True
        )
        self._sessions = sessions

    async def __call__(self) -> bytes:
        """The document. Raises `OSError`."""
        try:
            got = await self._sessions.exchange(self._request)
        except ExecutionError as error:
            raise OSError(str(error)) from error
        if got.status != 200 or got.cut:
            raise OSError(f"status {got.status}")
        return got.body
