"""What a run's tools bring that is no text, into the store: as the tools see it."""

from __future__ import annotations

import logging

from gateway.storage.errors import StorageUnavailable
from gateway.storage.files import FileStore
from tools.files import FileContent

log = logging.getLogger("gateway.files")


async def keep_file(store: FileStore, tenant: str, run_id: str, file: FileContent) -> str | None:
    """The handle of a kept file; None for one that can't be kept: the result then says what it was."""
    try:
        return await store.put(tenant, run_id, file)
    except StorageUnavailable as error:
        log.warning("a file of %d bytes is not kept (run %s): %s", len(file.data), run_id, error)
        return None
