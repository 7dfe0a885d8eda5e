"""Secrets are blotted out of what comes back from whoever was given them.

What it is: a replacement in texts, bytes and data, of each secret in every spelling in which an honest server may
echo it: as it is, percent-encoded, escaped for JSON, HTML or a form.
What it is not: a defence against a server that disguises it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any, cast
from urllib.parse import quote, quote_plus

BLANK = "***"
_EVERYWHERE_THE_SAME = re.compile(r"[A-Za-z0-9._~-]*")


class Blotter:
    """Blots out `secrets`; none of them may be empty."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spelled = {each for secret in secrets for each in _spellings(secret)}
        # the longest first: what is a part of another must not spoil it
        self._spelled = sorted(spelled, key=lambda each: (-len(each), each))

    def text(self, text: str) -> str:
        """The text without them."""
        for each in self._spelled:
            text = text.replace(each, BLANK)
        return text

    def raw(self, data: bytes) -> bytes:
        """The same for a text in UTF-8, or anything else that may hold one."""
        for each in self._spelled:
            data = data.replace(each.encode(), BLANK.encode())
        return data

    def data(self, value: Any) -> Any:
        """The same for every text in a value of JSON, keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            known = cast("dict[str, Any]", value)
            return {self.text(name): self.data(each) for name, each in known.items()}
        if isinstance(value, list):
            return [self.data(each) for each in cast("list[Any]", value)]
        return value


def _spellings(secret: str) -> set[str]:
    if _EVERYWHERE_THE_SAME.fullmatch(secret):
        return {secret}
    in_json = {json.dumps(secret, ensure_ascii=plain)[1:-1] for plain in (True, False)}
    with_slashes = {each.replace("/", "\\/") for each in in_json}  # as PHP writes it
    encoded = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return {secret, escape(secret), *in_json, *with_slashes, *encoded}
