"""Two ends to test a connection with: a transport that only remembers, and a server that plays bytes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Memory(asyncio.Transport):
    """Keeps what is written, and what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.unsent = 0
        self.is_flowing = True
        self.is_over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def abort(self) -> None:
        self.is_over = True

    def is_closing(self) -> bool:
        return self.is_over

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.is_flowing = False

    def resume_reading(self) -> None:
        self.is_flowing = True


class Server:
    """Where it is, and the connections that were made to it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.accepted = 0
        self.ended = asyncio.Semaphore(0)


@asynccontextmanager
async def playing(play: Play, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    """A server that hands every connection to `play`."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.accepted += 1
        try:
            await play(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            server.ended.release()
            writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls) as listening:
        server = Server(listening.sockets[0].getsockname()[1])
        yield server


async def asked(reader: asyncio.StreamReader) -> bytes:
    """One request, its body included. Raises IncompleteReadError when there is none any more."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return head + await reader.readexactly(int(value))
    return head
