"""Images and files that tools brought, kept under their run: the seam.

A handle is the beginning of the content's digest, so that the same bytes are kept once in a run, and a result
reads the same however often a tool is asked. A file belongs to a run that is recorded, and goes with it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from tools.files import FileContent

PIECE = 256 * 1024
"""Bytes that are read at a time."""
LEAST = 4096
"""What a file counts for at least, in bytes: so there is a bound to their number, too."""
_LONGEST_TYPE = 100


@dataclass(frozen=True, slots=True)
class FileBounds:
    """Bytes. What would be more than `of_one`, or of its run, is not kept; of a tenant the oldest go."""

    of_one: int = 8 * 1024 * 1024
    of_run: int = 64 * 1024 * 1024
    of_tenant: int = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file: `media_type` is what its tool claimed, `size` is in bytes."""

    media_type: str
    size: int


class FileStore(Protocol):
    """Keeps files, by tenant and run. Twins: memory, and SQL beside the runs."""

    async def put(self, tenant: str, run_id: str, file: FileContent) -> str | None:
        """Keep it, and give its handle; None for what is too much, or of a run that is not recorded here.

        Raises `StorageUnavailable`.
        """
        ...

    async def get(self, tenant: str, run_id: str, handle: str) -> StoredFile | None:
        """One file of a run; None where it is not there, or no more. Raises `StorageUnavailable`."""
        ...

    def pieces(self, tenant: str, run_id: str, handle: str) -> AsyncGenerator[bytes]:
        """Its bytes, in order; they end early when it is deleted meanwhile. Raises `StorageUnavailable`."""
        ...

    async def aclose(self) -> None:
        """Let go of what is open."""
        ...


def handle_of(file: FileContent) -> str:
    """Under which it is kept in its run."""
    return f"f_{sha256(file.data).hexdigest()[:16]}"


def head_of(file: FileContent) -> StoredFile:
    """What is told of it: of a type that is no type, the beginning."""
    return StoredFile(file.media_type[:_LONGEST_TYPE], len(file.data))
