"""Commands that work on the configured store, without a running gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.cli.exits import CommandError, Exit

if TYPE_CHECKING:
    from gateway.compose.stores import Stores

_Done = TypeVar("_Done")


def in_stores(config: Path | None, act: Callable[[Stores], Awaitable[_Done]]) -> _Done:
    """Acts on the stores, and closes them. Raises `SettingsError`, `CommandError`."""
    from gateway.compose.stores import build_stores
    from gateway.settings import load_settings
    from gateway.storage.errors import StorageUnavailable

    settings = load_settings(config)
    if settings.storage.url == "memory:":
        problem = "storage.url is memory: nothing is kept there"
        raise CommandError(problem, "name a database there", code=Exit.USAGE)
    stores = build_stores(settings.storage)

    async def acted() -> _Done:
        try:
            return await act(stores)
        finally:
            for store in stores:
                if store is not None:
                    await store.aclose()

    try:
        return asyncio.run(acted())
    except StorageUnavailable as error:
        raise CommandError(str(error), "start the database, or mend storage.url") from error
