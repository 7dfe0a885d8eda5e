"""Whether what a caller shows is a key, and whose.

On the way of every request, so a key that was read is believed for `age_s` seconds: a revocation takes
effect here at once, in other processes when they hear of it (`gateway.storage.news`) or after that time.
Expiry is looked at each time. When the store
can't be asked, nobody is let in whose key is not believed any more.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.access.principal import Principal
from gateway.access.secret import digest, id_in
from gateway.storage.keys import Key, KeyStore

if TYPE_CHECKING:
    from gateway.access.tokens import TokenCheck

OPERATOR_KEY = "operator"
"""The id under which the key of the configuration acts."""
_MOST_KNOWN = 4096
_DOTS = 2  # of a token: header, claims, signature


class KeyRefused(Exception):
    """Nobody acts under this key any more; the text says why, and names no secret."""


class KeyCheck:
    """Checks keys of a store, the one that stands in the configuration (`operator_key`), and `tokens`."""

    def __init__(
        self,
        store: KeyStore,
        operator_key: str | None = None,
        *,
        age_s: float = 5.0,
        now: Callable[[], float] = time.time,
        tokens: TokenCheck | None = None,
    ) -> None:
        self._tokens = tokens
        self._store = store
        self._operator = operator_key and digest(operator_key)
        self._age_s = age_s
        self._now = now
        self._known: OrderedDict[str, tuple[Key | None, float]] = OrderedDict()

    async def principal(self, shown: str) -> Principal | None:
        """Who shows this; None when it is no valid key. Raises `StorageUnavailable`."""
        made = digest(shown)
        if self._operator is not None and hmac.compare_digest(made, self._operator):
            return Principal(OPERATOR_KEY, "operator")
        key_id = id_in(shown)
        if key_id is None:
            if self._tokens is not None and shown.count(".") == _DOTS:
                return await self._tokens.principal(shown)
            return None
        key = await self._key(key_id)
        if key is None or not hmac.compare_digest(made, key.digest):
            return None
        return Principal(key.id, key.role, key.tenant) if key.is_valid(self._now()) else None

    async def acting(self, key_id: str) -> Principal:
        """Who acts under this id, asked anew, where the key itself is not shown (a schedule's run).

        A key that was rotated acts on as the one in its place. Raises `KeyRefused`, `StorageUnavailable`.
        """
        if key_id == OPERATOR_KEY:
            if self._operator is None:
                raise KeyRefused("the configuration has no operator's key any more")
            return Principal(OPERATOR_KEY, "operator")
        key = await self._store.get(key_id)
        if key is None:
            raise KeyRefused(f"there is no key {key_id} any more")
        if key.revoked_at is not None:
            raise KeyRefused(f"the key {key_id} was revoked")
        if key.is_valid(self._now()):
            return Principal(key.id, key.role, key.tenant)
        for one in await self._store.list():
            if one.replaces == key_id:
                return await self.acting(one.id)
        raise KeyRefused(f"the key {key_id} has expired")

    def forget(self, key_id: str) -> None:
        """A key was changed: read it anew."""
        self._known.pop(key_id, None)

    def forget_all(self) -> None:
        """Keys were changed elsewhere: read each anew."""
        self._known.clear()

    async def _key(self, key_id: str) -> Key | None:
        now = time.monotonic()
        if (known := self._known.get(key_id)) is not None and now - known[1] < self._age_s:
            return known[0]
        key = await self._store.get(key_id)
        self._known[key_id] = key, now
        self._known.move_to_end(key_id)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return key
