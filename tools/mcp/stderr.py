"""What a server writes to its standard error: lines of the gateway's log, secrets blotted out.

What it is: a pipe that the server's process is given, read on the event loop. Whatever it writes is a line of the
logger `tools.mcp.stderr` with the server's name, also its last words; a long one is cut into several.
What it is not: kept, or shown to a model.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO

from tools.blotting import Blotter
from tools.mcp.source import Source

_LONGEST = 4_000
_AT_ONCE = 65_536
_log = logging.getLogger(__name__)


class _Lines:
    """The reading end of one server's pipe."""

    def __init__(self, fd: int, source: Source) -> None:
        self._fd = fd
        self._name = source.name
        self._blot = Blotter(source.secrets)
        self._rest = b""

    def read(self) -> bool:
        """Take what is there; whether there was anything."""
        try:
            more = os.read(self._fd, _AT_ONCE)
        except BlockingIOError:
            return False
        *whole, self._rest = (self._rest + more).split(b"\n")
        for line in whole:
            self._tell(line)
        # A secret may lie across a cut, so what has no end yet is cut as late as can be.
        if len(self._rest) > _AT_ONCE:
            self.finish()
        return bool(more)

    def finish(self) -> None:
        """Nothing more comes of the last line."""
        self._tell(self._rest)
        self._rest = b""

    def _tell(self, line: bytes) -> None:
        told = self._blot.text(line.decode(errors="replace"))
        shown = "".join(each if each.isprintable() else " " for each in told).strip()
        for at in range(0, len(shown), _LONGEST):
            _log.warning("%s: %s", self._name, shown[at : at + _LONGEST])


@contextmanager
def standard_error(source: Source) -> Generator[TextIO]:
    """Where the server may write while this is open. To be used on the event loop."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    loop, lines = asyncio.get_running_loop(), _Lines(read, source)
    loop.add_reader(read, lines.read)
    try:
        with open(write, "w", encoding="utf-8") as theirs:  # noqa: PTH123 - a descriptor
            yield theirs
    finally:
        loop.remove_reader(read)
        lines.read()  # once: a pipe holds no more, and a process that outlives its server could write for ever
        lines.finish()
        os.close(read)
