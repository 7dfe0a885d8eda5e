"""A folder in which a document's examples are followed, and a gateway with a scripted engine for them."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from tests.peers import accepting, free_port, running
from tests.routing.openai_stub import DONE, call, calls, finish, text, usage

ROOT = Path(__file__).parents[2]
_FILE = re.compile(r"^(?:#|//) (?P<name>[a-z]+\.(?:py|yaml|cedar|json))\b")
_MAIN = "from gateway.cli import main; main()"
_CALLS = {
    "stock": '{"article": "A-4711"}',
    "refund": '{"order": "20817", "amount": 48}',
    "calculate": '{"expression": "48 * 37"}',
}


async def _answer(request: web.Request) -> web.StreamResponse:
    """Calls the first tool that it knows and that is offered; what that brought it repeats."""
    asked = orjson.loads(await request.read())
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    last, offered = asked["messages"][-1], asked.get("tools", ())
    names = [tool["function"]["name"] for tool in offered]
    name = next((name for name in _CALLS if name in names and last["role"] != "tool"), None)
    if name is not None:
        parts = [calls(call(0, "abcdefghi", name, _CALLS[name])), finish("tool_calls")]
    else:
        said = '{"city": "Paris"}' if "Louvre" in str(last) else f"It says: {last['content']}"
        parts = [text(said), finish("stop")]
    for part in (*parts, usage(), DONE):
        await response.write(part)
    return response


@asynccontextmanager
async def scripted_engine() -> AsyncGenerator[str]:
    """The engine's base URL."""

    async def health(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", _answer), web.get("/health", health)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@dataclass
class Place:
    """`folder` is where examples run; `url` stands where they name the documented address."""

    folder: Path
    engine: str
    port: int = field(default_factory=free_port)
    _gateway: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> Mapping[str, str]:
        """A gateway's, and that of its commands: only model, storage and notes are other than written."""
        model: dict[str, Any] = {"backend": "vllm", "model": "m", "base_url": self.engine}
        model["context_tokens"] = 32_768
        return {
            **os.environ,
            "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "120",
            "GATEWAY__MODELS__INTERMEDIARY": orjson.dumps(model).decode(),
            "GATEWAY__STORAGE__URL": f"sqlite:///{self.folder}/gateway.db",
            "GATEWAY__TOOLS__NOTES_PATH": str(self.folder / "notes.db"),
        }

    def keep(self, block: str) -> str | None:
        """Write the block whose first line names a file; gives the name."""
        if (named := _FILE.match(block)) is None:
            return None
        (self.folder / named["name"]).write_text(block, encoding="utf-8")
        return named["name"]

    async def start(self, config: str | None = None) -> None:
        """Serve a gateway, in place of the one before."""
        self.stop()
        command: list[str | Path] = ["env", "-C", self.folder, sys.executable, "-c", _MAIN]
        command += ["serve", "--port", str(self.port), *(["--config", config] if config else [])]
        log = self.folder / "gateway.log"
        self._gateway.enter_context(running(command, log, self.environment))
        await accepting(self.port, patience_s=240)

    def stop(self) -> None:
        """End the gateway."""
        self._gateway.close()


@asynccontextmanager
async def place(folder: Path) -> AsyncGenerator[Place]:
    """An empty folder beside a checkout's environment."""
    assert shutil.which("bash") and shutil.which("curl")  # noqa: PT018 - one thing: what examples need
    (folder / ".venv").symlink_to(ROOT / ".venv")
    async with scripted_engine() as engine:
        made = Place(folder, engine)
        try:
            yield made
        finally:
            made.stop()
