"""A gateway with keys: one of each role and tenant, and such as open no door."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from gateway.access import issuing
from gateway.access.check import KeyCheck
from gateway.access.principal import KeyRole
from gateway.storage.keys import KeyStore
from gateway.storage.memory_keys import MemoryKeyStore


@dataclass
class Doors:
    """A store of keys and what checks them."""

    keys: KeyStore
    access: KeyCheck

    async def key(self, role: KeyRole = "app", tenant: str = "default") -> str:
        made = await issuing.create(self.keys, tenant=tenant, role=role, name="")
        return made.minted.text

    async def expired(self) -> str:
        made = await issuing.create(self.keys, tenant="default", role="operator", name="")
        await self.keys.add(replace(made.key, expires_at=time.time() - 1))
        return made.minted.text

    async def revoked(self) -> str:
        made = await issuing.create(self.keys, tenant="default", role="operator", name="")
        await self.keys.revoke(made.key.id, time.time())
        return made.minted.text


def doors(operator_key: str | None = None) -> Doors:
    keys = MemoryKeyStore()
    return Doors(keys, KeyCheck(keys, operator_key))


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}
