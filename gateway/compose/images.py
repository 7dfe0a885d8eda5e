"""Fetching the images that apps name by URL, through the guard that HTTP tools go through.

What it is: public addresses only, at the literal, at the resolver and at the socket; at most three redirects, each of
them judged the same; an image by what the server says of it, of at most 10 MB.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from urllib.parse import urljoin, urlsplit

from yarl import URL

from routing.remote_images import ImageRefused
from tools.errors import ExecutionError
from tools.executors.http_session import HttpSessions, Request, Response

MAX_BYTES = 10_000_000
_TIMEOUT_S = 15.0
_REDIRECTS = 3
_HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "agentic-gateway"}
_IMAGE = re.compile(r"image/[a-z0-9.+-]{1,64}")


class ImageSource:
    """Opened when the first image is fetched; `aclose` ends its connections."""

    def __init__(self, sessions: HttpSessions | None = None) -> None:
        self._sessions = sessions or HttpSessions()

    async def fetch(self, url: str, deadline: float | None) -> str:
        """The image as a `data:` URL. Raises `ImageRefused`."""
        for _ in range(_REDIRECTS + 1):
            answer = await self._asked(url, deadline)
            target = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or target is None:
                return _data_url(answer)
            url = _followed(url, target)
        raise ImageRefused(f"its URL redirects more than {_REDIRECTS} times")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._sessions.aclose()

    async def _asked(self, url: str, deadline: float | None) -> Response:
        left = _TIMEOUT_S
        if deadline is not None:
            left = min(left, max(deadline - asyncio.get_running_loop().time(), 0.001))
        try:
            request = Request("GET", _written(url), _HEADERS, None, left, False, MAX_BYTES)  # noqa: FBT003 - private addresses
            return await self._sessions.exchange(request)
        except (ExecutionError, ValueError) as error:  # ValueError: no URL after all
            raise ImageRefused(f"the image can't be fetched: {error}") from error


def _written(url: str) -> str:
    """As it can stand in a request's first line; one that can already is not touched, it may be signed."""
    fits = url.isascii() and url.isprintable() and " " not in url
    return url if fits else str(URL(url))


def _followed(url: str, target: str) -> str:
    try:
        there = urljoin(url, target)
        if urlsplit(there).scheme in ("http", "https"):
            return there
    except ValueError:
        pass
    raise ImageRefused("its URL redirects to what is no web address")


def _data_url(answer: Response) -> str:
    if answer.status != 200:
        raise ImageRefused(f"the image can't be fetched: HTTP {answer.status}")
    if answer.cut:
        raise ImageRefused(f"the image has more than {MAX_BYTES} bytes")
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if _IMAGE.fullmatch(kind) is None or not answer.body:
        raise ImageRefused("what is there is no image")
    return f"data:{kind};base64,{b64encode(answer.body).decode()}"
