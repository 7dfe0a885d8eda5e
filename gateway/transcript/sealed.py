"""Items inside an item: in `encrypted_content`, the one opaque field that clients carry about.

Encoded, not encrypted: it holds nothing that the client did not send or receive before, and whoever
alters it alters only its own conversation. What is unsealed is read as carefully as any other input.
Not compressed: what a request unpacks to is never larger than the request.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

_MARK = "gw1."


class SealBroken(ValueError):
    """The text holds no items of this gateway."""


def seal(items: Sequence[Mapping[str, Any]]) -> str:
    """The items as opaque text."""
    packed = orjson.dumps([dict(item) for item in items])
    return _MARK + base64.urlsafe_b64encode(packed).decode()


def is_ours(text: str) -> bool:
    """Whether a gateway sealed it, and not the maker of another model."""
    return text.startswith(_MARK)


def unseal(text: str) -> list[object]:
    """The sealed items, unchecked. Raises `SealBroken`."""
    if not is_ours(text):
        raise SealBroken("the item was not made by this gateway")
    try:
        items = orjson.loads(base64.b64decode(text[len(_MARK) :], altchars=b"-_", validate=True))
    except (binascii.Error, orjson.JSONDecodeError, ValueError) as error:
        raise SealBroken("the item was altered, or cut") from error
    if not isinstance(items, list):
        raise SealBroken("the item holds no items")
    return cast("list[object]", items)
