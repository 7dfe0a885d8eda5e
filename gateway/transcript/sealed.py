"""Compaction items: a window of items in the one opaque field that clients carry about.

Encoded, not encrypted: it holds nothing that the client did not send or receive before, and whoever
alters it alters only its own conversation. What is unsealed is read as carefully as any other input.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

_MARK = "gw1."
_LARGEST = 64 * 1024 * 1024
"""Bytes of a window once it is unpacked: what inflates to more is no window of ours."""


class SealBroken(ValueError):
    """The text is no sealed window of this gateway."""


def seal(items: Sequence[Mapping[str, Any]]) -> str:
    """The items as opaque text."""
    packed = zlib.compress(orjson.dumps([dict(item) for item in items]), 6)
    return _MARK + base64.urlsafe_b64encode(packed).decode()


def unseal(text: str) -> list[object]:
    """The sealed items, unchecked. Raises `SealBroken`."""
    if not text.startswith(_MARK):
        raise SealBroken("this compaction item was not made by this gateway")
    try:
        packed = base64.b64decode(text[len(_MARK) :], altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed, _LARGEST)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise SealBroken("the compaction item is cut, or larger than any conversation")
        items = orjson.loads(raw)
    except (binascii.Error, zlib.error, orjson.JSONDecodeError, ValueError) as error:
        raise SealBroken("the compaction item was altered, or cut") from error
    if not isinstance(items, list):
        raise SealBroken("the compaction item holds no items")
    return cast("list[object]", items)
