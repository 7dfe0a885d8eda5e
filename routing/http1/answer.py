"""What comes back for one request: a head, and a body that is read as it comes."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from routing.http1.connection import Connection
    from routing.http1.errors import HttpError


class Answer:
    """The answer to one request, filled by its connection. Ends with `release`, whatever was read of it.

    `status` is 0 until the head is there; `headers` have lower-case names, the last of a name counts.
    """

    __slots__ = ("_connection", "failure", "headers", "is_whole", "pieces", "reason", "status")

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection
        self.status = 0
        self.reason = b""
        self.headers: dict[bytes, bytes] = {}
        self.pieces: list[bytes] = []
        self.is_whole = False
        self.failure: HttpError | None = None

    def header(self, name: str) -> str | None:
        """The value of a header, by its lower-case name."""
        value = self.headers.get(name.encode("ascii"))
        return None if value is None else value.decode("latin-1")

    @property
    def at_end(self) -> bool:
        """Whether the body is there to its end, and was read."""
        return self.is_whole and not self.pieces

    def read(self, until: float) -> Coroutine[Any, Any, bytes]:
        """All of the body that came since, at least one byte; `b""` at its end.

        `until` is a reading of the event loop's clock. Raises `CutShort` behind what came before it, and TimeoutError.
        """
        connection = self._connection
        if connection is None:
            raise RuntimeError("the answer was released")
        return connection.more_of(self, until)

    async def read_all(self, most: int, until: float) -> bytes:
        """The body, as far as its first `most` bytes. Raises as `read` does."""
        found = b""
        while len(found) < most and (piece := await self.read(until)):
            found += piece
        return found[:most]

    def release(self) -> None:
        """Nothing more will be read: a whole answer's connection is kept, any other closed at once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.leave(self)
