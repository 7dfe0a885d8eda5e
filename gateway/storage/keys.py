"""API keys at rest: the seam. What is kept of a key is its digest; nobody can read a secret back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.access.principal import KeyRole


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret. Times are seconds since the epoch; `digest` is of the whole key.

    `made_by` is the id of the key that asked for it, empty for the command line. `replaces` is the id
    of the key that was rotated into this one.
    """

    id: str
    digest: str
    tenant: str
    role: KeyRole
    name: str
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    made_by: str = ""
    replaces: str = ""

    def is_valid(self, now: float) -> bool:
        """Whether it opens the door at this time."""
        expired = self.expires_at is not None and self.expires_at <= now
        return not expired and self.revoked_at is None


class KeyStore(Protocol):
    """Keeps keys. Twins: memory, and SQL."""

    async def add(self, key: Key) -> None:
        """Keep a new key."""
        ...

    async def get(self, key_id: str) -> Key | None:
        """One key, valid or not; None when there is none."""
        ...

    async def list(self) -> Sequence[Key]:
        """All keys, valid or not, newest first."""
        ...

    async def revoke(self, key_id: str, at: float) -> Key | None:
        """Never valid again from `at` on; the first time stays. None when there is none."""
        ...

    async def rotate(self, old: str, new: Key, until: float) -> bool:
        """Keep `new`, and let `old` expire at `until`, both or neither; False when `old` is not there."""
        ...

    async def aclose(self) -> None: ...
