"""A server that nobody from outside may reach, for tests of request forgery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Inside:
    """A server on loopback; `visits` are the first lines of what it was sent."""

    port: int = 0
    visits: list[str] = field(default_factory=list)

    async def met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits.append((await reader.readline()).decode())
        writer.close()


@asynccontextmanager
async def open_inside() -> AsyncGenerator[Inside]:
    """One on a port of its own."""
    stub = Inside()
    server = await asyncio.start_server(stub.met, "127.0.0.1", 0)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()
