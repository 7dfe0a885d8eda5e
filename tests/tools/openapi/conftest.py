"""An API on loopback that keeps every byte it is sent, and documents imported into a registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tools.executor import CallContext
from tools.executors.http import HttpExecutor
from tools.executors.http_session import HttpSessions
from tools.openapi.importing import Imported, Refused, import_document, register
from tools.openapi.operations import OperationTool, Source
from tools.openapi.reading import read_source
from tools.registry import Registry
from tools.spec import ToolResult, ValidCall

DOCUMENTS = Path(__file__).parent / "documents"
SECRETS = {
    "TOOL_USER": "sk_test_51:",
    "TOOL_TOKEN": "ghp_s3cr3t",
    "TOOL_KEY": "k&y=1",
}


@dataclass
class Stub:
    """Remembers requests byte by byte, and answers what it is told."""

    origin: str = ""
    seen: list[bytes] = field(default_factory=list[bytes])
    status: str = "200 OK"
    body: bytes = b'{"ok":true}'

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ),
            0,
        )
        self.seen.append(head + await reader.readexactly(length))
        writer.write(
            f"HTTP/1.1 {self.status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n".encode()
            + self.body
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    made = Stub()
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made


@dataclass
class Api:
    """A document's tools, registered, with what became of the rest."""

    registry: Registry
    tools: tuple[OperationTool, ...]
    refused: tuple[Refused, ...]

    @property
    def names(self) -> list[str]:
        return [tool.spec.name for tool in self.tools]

    def tool(self, name: str) -> OperationTool:
        return next(tool for tool in self.tools if tool.spec.name == name)

    async def call(self, make_call: Any, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Judged like a model's call, then run."""
        checked = self.registry.check(make_call(name, arguments))
        assert isinstance(checked, ValidCall), checked
        return await self.registry.execute(checked, CallContext(idempotency_key="run-1:call-1"))


Import = Callable[..., Api]


@pytest.fixture
async def import_api() -> AsyncIterator[Import]:
    """Imports a file of `documents`, or data; further arguments are those of `Source`."""
    sessions = HttpSessions()

    def imported(document: str | dict[str, Any], **more: Any) -> Api:
        spec = str(DOCUMENTS / document) if isinstance(document, str) else "made.yaml"
        data = read_source(spec) if isinstance(document, str) else document
        registry = Registry()

        def add(tool: OperationTool) -> None:
            executor = HttpExecutor(tool.template, sessions, SECRETS.get, allow_private=True)
            registry.register(tool.spec, executor)

        found: Imported = import_document(data, Source(spec, **more))
        return Api(registry, *register(found, add))

    yield imported
    await sessions.aclose()
