"""Making, rotating and revoking keys, for whichever surface asks (REST, the command)."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from gateway.access.principal import KeyRole
from gateway.access.secret import Minted, mint
from gateway.storage.keys import Key, KeyStore


@dataclass(frozen=True, slots=True)
class Issued:
    """A key that was made: what is kept, and what is shown once."""

    key: Key
    minted: Minted


async def create(
    store: KeyStore,
    *,
    tenant: str,
    role: KeyRole,
    name: str,
    expires_in_s: float | None = None,
    made_by: str = "",
) -> Issued:
    """A new key; without `expires_in_s` it is valid until it is revoked."""
    now, minted = time.time(), mint()
    expires_at = None if expires_in_s is None else now + expires_in_s
    key = Key(minted.id, minted.digest, tenant, role, name, now, expires_at, made_by=made_by)
    await store.add(key)
    return Issued(key, minted)


async def rotate(
    store: KeyStore, key_id: str, *, grace_s: float = 0.0, made_by: str = ""
) -> Issued | None:
    """A new secret for the same tenant, role and name; the old key is valid for `grace_s` more.

    The new key lasts as long as the old one was made for. None when there is no such key, or when it
    is not valid any more.
    """
    now, old = time.time(), await store.get(key_id)
    if old is None or not old.is_valid(now):
        return None
    minted = mint()
    lasts = None if old.expires_at is None else now + (old.expires_at - old.created_at)
    new = replace(
        old,
        id=minted.id,
        digest=minted.digest,
        created_at=now,
        expires_at=lasts,
        made_by=made_by,
        replaces=old.id,
    )
    return Issued(new, minted) if await store.rotate(key_id, new, now + grace_s) else None
