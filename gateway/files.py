"""Images and files that tools brought, by reference: kept under their run, fetched by its owner.

A handle is the beginning of the content's digest, so that the same bytes are kept once in a run, and a result
reads the same however often a tool is asked. They live in this process's memory, the latest that fit; another
gateway over the same store has none of them, and a restart ends them.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256

from tools.files import FileContent

MOST_OF_ONE = 8 * 1024 * 1024
MOST_BYTES = 64 * 1024 * 1024
"""Of all files together; the oldest are let go."""


class Files:
    """Those of an application."""

    def __init__(self, most_bytes: int = MOST_BYTES, most_of_one: int = MOST_OF_ONE) -> None:
        self._most_bytes = most_bytes
        self._most_of_one = most_of_one
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, str, str], FileContent] = OrderedDict()

    def keep(self, tenant: str, run_id: str, file: FileContent) -> str | None:
        """The handle under which it is kept; None for what is too large."""
        if len(file.data) > self._most_of_one:
            return None
        handle = f"f_{sha256(file.data).hexdigest()[:16]}"
        place = tenant, run_id, handle
        if (old := self._kept.pop(place, None)) is not None:
            self._bytes -= len(old.data)
        self._kept[place] = file
        self._bytes += len(file.data)
        while self._bytes > self._most_bytes:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.data)
        return handle

    def get(self, tenant: str, run_id: str, handle: str) -> FileContent | None:
        """One file of a run; None where it is not there, or no more."""
        return self._kept.get((tenant, run_id, handle))
