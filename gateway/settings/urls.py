"""URLs in settings: shown in logs, traces and `gateway config show`, so nothing secret may stand in them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, AnyHttpUrl
from pydantic_core import PydanticCustomError


def _without_credentials(url: AnyHttpUrl) -> AnyHttpUrl:
    if url.username is not None or url.password is not None:
        raise _refused()
    return url


def _text_without_credentials(place: str) -> str:
    try:
        held = "://" in place and "@" in urlsplit(place).netloc
    except ValueError:  # no URL; whoever reads it says so
        held = False
    if held:
        raise _refused()
    return place


def _refused() -> PydanticCustomError:
    return PydanticCustomError(
        "credentials_in_url",
        "a URL is shown and logged, so it may hold no user and password; use the key that is meant for secrets",
    )


ShownUrl = Annotated[AnyHttpUrl, AfterValidator(_without_credentials)]
"""A URL without credentials."""

ShownPlace = Annotated[str, AfterValidator(_text_without_credentials)]
"""A path, or a URL without credentials."""
