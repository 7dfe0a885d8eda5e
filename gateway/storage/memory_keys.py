"""Keys in the process's own memory, gone when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.storage.keys import Key


class MemoryKeyStore:
    """A `KeyStore` for tests, and for a gateway that keeps nothing."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    async def add(self, key: Key) -> None:
        self._keys[key.id] = key

    async def get(self, key_id: str) -> Key | None:
        return self._keys.get(key_id)

    async def list(self) -> Sequence[Key]:
        return sorted(self._keys.values(), key=lambda key: (-key.created_at, key.id))

    async def revoke(self, key_id: str, at: float) -> Key | None:
        key = self._keys.get(key_id)
        if key is not None and key.revoked_at is None:
            key = self._keys[key_id] = replace(key, revoked_at=at)
        return key

    async def rotate(self, old: str, new: Key, until: float) -> bool:
        key = self._keys.get(old)
        if key is None:
            return False
        ends = until if key.expires_at is None else min(key.expires_at, until)
        self._keys[old] = replace(key, expires_at=ends)
        self._keys[new.id] = new
        return True

    async def aclose(self) -> None:
        self._keys.clear()
