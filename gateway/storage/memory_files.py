"""Files in the process's own memory: gone when it ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from gateway.storage.files import (
    LEAST,
    PIECE,
    FileBounds,
    StoredFile,
    handle_of,
    head_of,
)
from tools.files import FileContent

_Place = tuple[str, str, str]


class MemoryFileStore:
    """A `FileStore`. What a tenant may have is what all may have together.

    `is_recorded` says whether there is such a run: its tenant and id.
    """

    def __init__(
        self,
        bounds: FileBounds | None = None,
        is_recorded: Callable[[str, str], bool] = lambda _tenant, _run_id: True,
    ) -> None:
        self._bounds = bounds or FileBounds()
        self._is_recorded = is_recorded
        self._kept: dict[_Place, FileContent] = {}

    async def put(self, tenant: str, run_id: str, file: FileContent) -> str | None:
        handle = handle_of(file)
        if (tenant, run_id, handle) in self._kept:
            return handle
        size, bounds = _counted(file), self._bounds
        of_run = sum(_counted(each) for each in self._of(tenant, run_id).values())
        if len(file.data) > bounds.of_one or of_run + size > bounds.of_run:
            return None
        if size > bounds.of_tenant or not self._is_recorded(tenant, run_id):
            return None
        self._kept[tenant, run_id, handle] = file
        while sum(map(_counted, self._kept.values())) > bounds.of_tenant:
            del self._kept[next(iter(self._kept))]
        return handle

    async def get(self, tenant: str, run_id: str, handle: str) -> StoredFile | None:
        file = self._kept.get((tenant, run_id, handle))
        return file and head_of(file)

    async def pieces(self, tenant: str, run_id: str, handle: str) -> AsyncGenerator[bytes]:
        if (file := self._kept.get((tenant, run_id, handle))) is not None:
            for start in range(0, len(file.data), PIECE):
                yield file.data[start : start + PIECE]

    def forget(self, tenant: str, run_id: str) -> None:
        """Drop a run's files."""
        for place in self._of(tenant, run_id):
            del self._kept[place]

    def _of(self, tenant: str, run_id: str) -> dict[_Place, FileContent]:
        return {place: file for place, file in self._kept.items() if place[:2] == (tenant, run_id)}

    async def aclose(self) -> None:
        self._kept.clear()


def _counted(file: FileContent) -> int:
    return max(len(file.data), LEAST)
