"""The readings of a text: itself, and what it hides in the usual encodings.

What it is: percent encoding, HTML entities, backslash escapes, base64, hexadecimal, ROT13 and reversal,
each tried on the text, and the layered ones (base64 of base64) on what comes out, twice.
What it is not: every cipher. What no reading here reveals is left to rules that ask whether anything
untrusted was read at all (`when: read`).

Each reading is at most about as long as what it was read from. They are made one by one, so that whoever reads
them bounds the whole.
"""

from __future__ import annotations

import html
import re
from base64 import b64decode
from binascii import Error as BadBase64
from codecs import encode
from collections.abc import Iterator
from urllib.parse import unquote_plus

_LAYERS = 3
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2}[ :]?){4,})")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_BLANK = re.compile(r"\s+")
_URLSAFE = str.maketrans("-_", "+/")
_UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]")
_MOST_UNREADABLE = 0.1


def decodings(text: str) -> Iterator[str]:
    """The text first, then what it decodes to; what decodes to nothing readable is left out."""
    found = {text}
    layer = [text]
    yield text
    for _ in range(_LAYERS):
        below: list[str] = []
        for each in layer:
            for new in _decoded(each):
                if new not in found:
                    found.add(new)
                    below.append(new)
                    yield new
        layer = below


def readings(text: str) -> Iterator[str]:
    """The decodings, each followed by its ROT13 and by itself backwards.

    These two are their own inverses, so it is enough to look for them on one side of a comparison.
    """
    for each in decodings(text):
        yield each
        yield each[::-1]
        yield encode(each, "rot13")


def _decoded(text: str) -> Iterator[str]:
    """One layer off: everything that stands encoded in `text`, joined in its order."""
    if "%" in text and (plain := unquote_plus(text, errors="replace")) != text:
        yield plain
    if "&" in text and (plain := html.unescape(text)) != text:
        yield plain
    if "\\" in text and (plain := _ESCAPE.sub(_unescaped, text)) != text:
        yield plain
    tokens = [match[0] for match in _BASE64.finditer(text)]
    if tokens:
        yield from filter(None, (" ".join(filter(None, map(_from_base64, tokens))),))
        yield from filter(None, (_from_base64("".join(each.rstrip("=") for each in tokens)),))
    if len(joined := _BLANK.sub("", text)) != len(text):
        yield from filter(None, map(_from_base64, _BASE64.findall(joined)[:1]))
    if pairs := [match[1] for match in _HEX.finditer(text)]:
        yield from filter(None, (" ".join(filter(None, map(_from_hex, pairs))),))


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1] or match[2], 16))


def _from_base64(token: str) -> str:
    whole = token.rstrip("=").translate(_URLSAFE)
    whole = whole[: len(whole) - (len(whole) % 4 == 1)]
    try:
        return _readable(b64decode(whole + "=" * (-len(whole) % 4)))
    except (BadBase64, ValueError):
        return ""


def _from_hex(digits: str) -> str:
    return _readable(bytes.fromhex(digits.replace(":", " ")))


def _readable(data: bytes) -> str:
    """The text in `data`, empty where it is none."""
    text = data.decode("utf-8", "replace")
    bad = len(_UNREADABLE.findall(text))
    return text if bad <= _MOST_UNREADABLE * len(text) else ""
