"""Images in a user's message: where one lies, never what is in it.

A `data:` URL has to be an image in base64 of at most `MAX_DATA_URL` characters; it is not decoded here,
the model's engine does that. A remote URL has to be http or https; it is kept as it is, and fetched when a model
is asked (`routing.remote_images`), from public addresses only: so it can't be made to reach anything in our network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from mistral_common.protocol.instruct.chunk import ImageURL, ImageURLChunk

from gateway.transcript.errors import TranscriptError

MAX_DATA_URL = 14_000_000
"""Characters: an image of 10 MB, the most that Mistral's API takes."""
MAX_REMOTE_URL = 8_192
"""Characters."""

_DATA = re.compile(r"data:image/[a-z0-9.+-]{1,64};base64,(?=[A-Za-z0-9+/=])", re.IGNORECASE)
_DETAILS = ("auto", "low", "high")


def image_chunk(i: int, part: Mapping[str, Any], where: str) -> ImageURLChunk:
    """The image of an `image_url` part at the path `where` in the `i`-th message.

    Raises `TranscriptError`. OpenAI's form is an object with `url` and `detail`, Mistral's just the URL.
    """
    given, at = part.get("image_url"), f"{where}.image_url"
    detail: object = None
    if isinstance(given, dict):
        named = cast("dict[str, object]", given)
        given, detail, at = named.get("url"), named.get("detail"), f"{at}.url"
    if not isinstance(given, str):
        raise TranscriptError(i, "an image part needs the URL of its image", at)
    if problem := _problem(given):
        raise TranscriptError(i, problem, at)
    if detail is not None and detail not in _DETAILS:
        problem = f"detail is one of {', '.join(_DETAILS)}"
        raise TranscriptError(i, problem, f"{where}.image_url.detail")
    return ImageURLChunk(image_url=ImageURL(url=given, detail=cast("str | None", detail)))


def _problem(url: str) -> str:
    """What is wrong with an image's URL; empty when nothing is."""
    if url[:5].lower() == "data:":
        if _DATA.match(url) is None:
            return "a data URL of an image is `data:image/…;base64,…`"
        if len(url) > MAX_DATA_URL:
            return f"an image has at most {MAX_DATA_URL} characters as a data URL"
        return ""
    if len(url) > MAX_REMOTE_URL:
        return f"a URL has at most {MAX_REMOTE_URL} characters"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "this is no URL"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "an image's URL begins with https://, http:// or data:image/"
    return ""
