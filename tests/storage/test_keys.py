"""Keys at rest, in every store."""

from __future__ import annotations

from gateway.access import issuing
from gateway.storage.keys import Key
from tests.storage.stores import Kept

OLD = Key("0" * 12, "d1", "a", "app", "old", 1000.0)
NEW = Key("1" * 12, "d2", "a", "app", "old", 2000.0, replaces=OLD.id)


async def test_a_key_comes_back_as_it_was_kept(kept: Kept) -> None:
    key = Key("2" * 12, "d3", "t", "operator", "n", 1.5, 2.5, None, "3" * 12, "4" * 12)
    await kept.keys.add(key)
    assert await kept.keys.get(key.id) == key
    assert await kept.keys.get("nothing") is None


async def test_the_newest_key_is_listed_first(kept: Kept) -> None:
    for key in (OLD, NEW):
        await kept.keys.add(key)
    assert [key.id for key in await kept.keys.list()] == [NEW.id, OLD.id]


async def test_a_key_is_revoked_once(kept: Kept) -> None:
    await kept.keys.add(OLD)
    for at in (3000.0, 4000.0):
        gone = await kept.keys.revoke(OLD.id, at)
        assert gone is not None
        assert gone.revoked_at == 3000.0
        assert not gone.is_valid(0)
    assert await kept.keys.revoke("nothing", 1.0) is None


async def test_a_rotation_never_lengthens_the_old_keys_life(kept: Kept) -> None:
    await kept.keys.add(OLD)
    assert await kept.keys.rotate(OLD.id, NEW, 5000.0)
    for until in (4000.0, 9000.0):
        later = Key(f"{int(until):012d}", "d", "a", "app", "", until)
        assert await kept.keys.rotate(OLD.id, later, until)
    old = await kept.keys.get(OLD.id)
    assert old is not None
    assert old.expires_at == 4000.0
    assert await kept.keys.get(NEW.id) == NEW
    assert not await kept.keys.rotate("nothing", OLD, 1.0)


async def test_no_store_holds_a_secret(kept: Kept) -> None:
    made = await issuing.create(kept.keys, tenant="a", role="app", name="")
    assert made.minted.text.split("_", 2)[2] not in repr(await kept.keys.list())
