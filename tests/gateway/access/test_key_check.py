"""What is believed of a key, and for how long."""

from __future__ import annotations

import time

from gateway.access import issuing
from gateway.access.check import KeyCheck
from gateway.access.principal import Principal
from gateway.storage.keys import Key
from gateway.storage.memory_keys import MemoryKeyStore


class Counted(MemoryKeyStore):
    """Counts how often it is asked."""

    reads = 0

    async def get(self, key_id: str) -> Key | None:
        self.reads += 1
        return await super().get(key_id)


async def test_the_store_is_asked_once_for_many_requests() -> None:
    store = Counted()
    made = await issuing.create(store, tenant="a", role="app", name="")
    check = KeyCheck(store, age_s=300)
    for _ in range(100):
        assert await check.principal(made.minted.text) == Principal(made.key.id, "app", "a")
    assert store.reads == 1


async def test_a_revocation_elsewhere_is_known_when_the_age_is_over() -> None:
    store = Counted()
    made = await issuing.create(store, tenant="a", role="app", name="")
    believing, asking = KeyCheck(store, age_s=300), KeyCheck(store, age_s=0)
    for check in (believing, asking):
        assert await check.principal(made.minted.text) is not None
    await store.revoke(made.key.id, time.time())
    assert await asking.principal(made.minted.text) is None
    assert await believing.principal(made.minted.text) is not None
    believing.forget(made.key.id)
    assert await believing.principal(made.minted.text) is None


async def test_a_key_expires_although_it_is_believed() -> None:
    store, now = Counted(), [1000.0]
    made = await issuing.create(store, tenant="a", role="app", name="", expires_in_s=10)
    now[0] = made.key.created_at
    check = KeyCheck(store, age_s=300, now=lambda: now[0])
    assert await check.principal(made.minted.text) is not None
    now[0] += 10
    assert await check.principal(made.minted.text) is None
    assert store.reads == 1


async def test_only_so_many_ids_are_remembered() -> None:
    store = Counted()
    check = KeyCheck(store, age_s=300)
    for number in range(5000):
        assert await check.principal(f"gwk_{number:012x}_{'A' * 43}") is None
    assert len(check._known) <= 4096


def test_a_minted_key_does_not_show_itself() -> None:
    from gateway.access.secret import id_in, mint

    minted = mint()
    assert minted.text not in repr(minted)
    assert id_in(minted.text) == minted.id
