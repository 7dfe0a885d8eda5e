"""Servers of the official SDK in processes of their own, over pipes and HTTP, killed and hung in calls."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.mcp.source import Source
from tools.spec import Failure

from .following import LONGEST_S, Followed, MakeCall, following

SERVER = Path(__file__).parent / "server.py"


@dataclass
class Gateway(Followed):
    """With the lines that the server's processes wrote to a file."""

    written: Path = Path("log")

    @property
    def log(self) -> list[str]:
        return self.written.read_text(encoding="utf-8").splitlines()

    @property
    def processes(self) -> list[int]:
        return [int(line.split()[1]) for line in self.log if line.startswith("started")]


Follow = Callable[..., Any]


@pytest.fixture
def follow(tmp_path: Path, make_call: MakeCall) -> Follow:
    """`async with follow(command or url) as gateway`."""

    @asynccontextmanager
    async def follow(mode: str = "auto", **source: Any) -> AsyncGenerator[Gateway]:
        gateway = Gateway(make_call, written=tmp_path / "log")
        if "url" not in source:
            source["command"] = [sys.executable, str(SERVER), "stdio", str(gateway.written)]
        pins = tmp_path / "pins.json"
        async with following(Source("probe", **source), gateway, pins, first="add", mode=mode):
            yield gateway
        for process in gateway.processes if "command" in source else ():
            with pytest.raises(ProcessLookupError):
                os.kill(process, 0)

    return follow


READS = {"effects": {"add": "read", "environment": "read"}}


async def test_a_command_is_listed_called_and_answers_what_it_has(follow: Follow) -> None:
    given = {"TOKEN": "s3cr3t-value", "VERSION": "2"}
    async with follow(environment=given, **READS) as gateway:
        added = await gateway.call("add", {"a": 40, "b": 2})
        assert (added.content, added.failure) == ('{"sum":42}', None)
        failed = await gateway.call("fail")
        assert failed.failure is Failure.TOOL
        assert "out of paper" in failed.content
        await gateway.call("write", {"text": "hello"})
        assert "write hello run-1:write" in gateway.log  # the key came along
        variables = (await gateway.call("environment")).content
        assert "TOKEN=***" in variables
        assert "PYTEST_CURRENT_TEST" not in variables  # nothing of the gateway's own


async def test_what_a_command_writes_to_standard_error_is_logged_without_its_secrets(
    follow: Follow, caplog: pytest.LogCaptureFixture
) -> None:
    async with follow(environment={"TOKEN": "s3cr3t-value"}) as gateway:
        assert (await gateway.call("curse")).failure is not None
        await gateway.call("add", {"a": 1, "b": 1})
    said = [each.getMessage() for each in caplog.records if each.name == "tools.mcp.stderr"]
    assert said[said.index("probe: what is ***?") :][:5] == [
        "probe: what is ***?",
        "probe: [31mred",
        "probe: " + "x" * 4_000,
        "probe: " + "x" * 4_000,
        "probe: " + "x" * 1_000,
    ]
    assert "probe: good bye" in said
    assert not any("s3cr3t-value" in each for each in said)


async def test_users_never_share_a_process(follow: Follow) -> None:
    async with follow("legacy") as gateway:
        for tenant, name in (("a", "Ann"), ("b", "Bob"), ("a", "Amy")):
            visitors = (await gateway.call("visit", {"name": name}, tenant)).content
        assert visitors == '{"result":"Ann,Amy"}'
        assert len(gateway.processes) == 3  # one lists


async def test_a_process_that_dies_in_a_call_is_replaced_and_the_call_is_not_repeated(
    follow: Follow,
) -> None:
    async with follow() as gateway:
        died = await gateway.call("die", {"text": "once"})
        assert died.failure in (Failure.UNAVAILABLE, Failure.UNKNOWN_OUTCOME)
        assert (await gateway.call("add", {"a": 1, "b": 1})).content == '{"sum":2}'
        assert gateway.log.count("die once") == 1
        os.kill(gateway.processes[-1], signal.SIGKILL)  # and between calls
        again = await gateway.call("write", {"text": "after"})
        assert again.failure is None or again.failure is Failure.UNKNOWN_OUTCOME


async def test_a_process_that_hangs_is_cut_off_and_replaced(follow: Follow) -> None:
    async with follow(timeout_s=20.0, effects={"hang": "write"}) as gateway:
        await gateway.call("add", {"a": 1, "b": 1})
        hanging = asyncio.create_task(gateway.call("hang"))
        async with asyncio.timeout(LONGEST_S):
            while "hang" not in gateway.log:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(
                    0.01
                )  # the log is another process's: nothing else can be awaited
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        assert (await gateway.call("add", {"a": 2, "b": 2})).content == '{"sum":4}'
        assert gateway.log.count("hang") == 1


class HttpServer:
    """The server over HTTP, to be killed and started again at the same address."""

    def __init__(self, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def start(self) -> None:
        command = [sys.executable, str(SERVER), "http", str(self._log), str(self.port)]
        self._process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(LONGEST_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)  # it begins to listen when it does
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    async def kill(self) -> None:
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()


@pytest.fixture
async def http_server(tmp_path: Path) -> AsyncIterator[HttpServer]:
    server = HttpServer(tmp_path / "log")
    await server.start()
    yield server
    await server.kill()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_server_over_http_that_is_killed_and_comes_back_is_used_again(
    mode: str, follow: Follow, http_server: HttpServer
) -> None:
    async with follow(mode, url=http_server.url, **READS) as gateway:
        assert (await gateway.call("add", {"a": 1, "b": 1})).content == '{"sum":2}'
        await gateway.call("grow")
        await gateway.offered("grown")
        died = await gateway.call("die", {"text": "once"})
        assert died.failure in (Failure.UNAVAILABLE, Failure.UNKNOWN_OUTCOME)
        await http_server.kill()
        gone = await gateway.call("write", {"text": "lost"})
        assert gone.failure is Failure.UNAVAILABLE  # nothing arrived, and it is told so
        await http_server.start()
        # The older protocol has sessions, which the new process does not know.
        assert (await gateway.call("add", {"a": 2, "b": 2})).content == '{"sum":4}'
        await gateway.call("write", {"text": "after"})
        assert [line for line in gateway.log if line.startswith(("die", "write"))] == [
            "die once",
            "write after run-1:write",
        ]
