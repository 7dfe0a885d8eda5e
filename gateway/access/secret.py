"""Making and reading API keys: `gwk_ID_SECRET`.

The id (12 hexadecimal digits) is public: it finds the row, is shown in lists and stands in logs. The
secret is 256 random bits, so a plain SHA-256 keeps it: a slow hash is for what people can remember.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

PREFIX = "gwk_"
_KEY = re.compile(r"gwk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Minted:
    """A new key. `text` is shown once, to whoever asked for it, and kept nowhere."""

    id: str
    text: str

    @property
    def digest(self) -> str:
        """What is kept of it."""
        return digest(self.text)

    def __repr__(self) -> str:
        return f"Minted(id={self.id!r})"


def mint() -> Minted:
    """A key that nobody has."""
    key_id = secrets.token_hex(6)
    return Minted(key_id, f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}")


def id_in(text: str) -> str | None:
    """The public id in what somebody shows; None when it has not the form of a key."""
    found = _KEY.fullmatch(text)
    return found and found[1]


def digest(text: str) -> str:
    """SHA-256 of a whole key, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
