"""The reference servers from npm and PyPI, unmodified: listed, called, killed and stopped in calls."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.npm import ENV, NODE, fetch
from tools.mcp.source import Source
from tools.spec import Failure

from .following import LONGEST_S, Followed, MakeCall, children, following, handles, needs_proc, wake

HERE = Path(__file__).parent / "node"
LONG = "everything_trigger-long-running-operation"
ECHO = "everything_echo"
FIVE_MINUTES = {"duration": 300, "steps": 3_000}
Follow = Callable[..., AbstractAsyncContextManager[Followed]]


@pytest.fixture(scope="session")
def packages() -> Path:
    """The servers from npm."""
    return fetch(HERE) / "@modelcontextprotocol"


@pytest.fixture
def follow(tmp_path: Path, make_call: MakeCall, packages: Path) -> Follow:
    """`async with follow(name, **settings) as followed`, each in processes of its own."""
    commands: dict[str, tuple[list[str], str]] = {
        "everything": ([str(NODE), str(packages / "server-everything/dist/index.js")], ECHO),
        "files": (
            [str(NODE), str(packages / "server-filesystem/dist/index.js"), str(tmp_path)],
            "files_read_text_file",
        ),
        "time": ([sys.executable, "-m", "mcp_server_time"], "time_convert_time"),
    }

    @asynccontextmanager
    async def follow(name: str, **settings: Any) -> AsyncGenerator[Followed]:
        command, first = commands[name]
        if "url" not in settings:
            settings["command"] = command
        source = Source(name, prefix=f"{name}_", timeout_s=60.0, **settings)
        followed = Followed(make_call)
        async with following(source, followed, tmp_path / "pins.json", first=first):
            try:
                yield followed
            except BaseException:
                wake()
                raise

    return follow


async def test_structured_results_images_and_failures_are_told_as_they_are(follow: Follow) -> None:
    async with follow("everything", trust_annotations=True) as followed:
        city = {"location": "Chicago"}
        weather = await followed.call("everything_get-structured-content", city)
        assert weather.content == (
            '{"temperature":36,"conditions":"Light rain / drizzle","humidity":82}'
        )
        image = await followed.call("everything_get-tiny-image")
        assert "[image, image/png, " in image.content
        links = await followed.call("everything_get-resource-links", {"count": 2})
        assert links.content.count("demo://resource/dynamic/") == 2
        assert {each.failure for each in (weather, image, links)} == {None}
        # what asks for a person's input or for sampling is not even listed to a client without
        assert not any("elicitation" in name or "sampling" in name for name in followed.names)


async def test_what_a_call_says_of_its_progress_is_no_part_of_its_result(follow: Follow) -> None:
    async with follow("everything") as followed:
        done = await followed.call(LONG, {"duration": 0.2, "steps": 4})
        assert done.content.startswith("Long running operation completed. Duration: 0.2")


async def test_a_server_that_is_busy_after_a_call_was_cancelled_is_kept(follow: Follow) -> None:
    async with follow("everything", effects={"echo": "read"}) as followed:
        calling = await followed.under_way(LONG, FIVE_MINUTES)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        before = children()
        assert (await followed.call(ECHO, {"message": "hi"})).content == "Echo: hi"
        assert children() == before


async def test_files_are_written_read_and_kept_inside(follow: Follow, tmp_path: Path) -> None:
    async with follow("files", trust_annotations=True) as followed:
        inside = str(tmp_path / "a.txt")
        await followed.call("files_write_file", {"path": inside, "content": "Grüße"})
        read = await followed.call("files_read_text_file", {"path": inside})
        assert read.content == '{"content":"Grüße"}'
        outside = await followed.call("files_read_text_file", {"path": "/etc/hostname"})
        assert outside.failure is Failure.TOOL
        assert "outside allowed directories" in outside.content
        missing = followed.registry.check(followed.make_call("files_write_file", {"path": inside}))
        assert "content" in getattr(missing, "message", "")  # seen here, without the server


async def test_a_server_from_pypi_is_called_and_its_no_is_told(follow: Follow) -> None:
    async with follow("time", effects={"convert_time": "read"}) as followed:
        noon = {"source_timezone": "Asia/Tokyo", "time": "12:00", "target_timezone": "UTC"}
        assert '"time_difference"' in (await followed.call("time_convert_time", noon)).content
        failed = await followed.call("time_convert_time", {**noon, "target_timezone": "Mars/Base"})
        assert failed.failure is Failure.TOOL
        assert "Mars/Base" in failed.content


QUESTIONS = {
    "everything": (ECHO, {"message": "hi"}),
    "files": ("files_list_allowed_directories", {}),
    "time": ("time_get_current_time", {"timezone": "UTC"}),
}


@needs_proc
@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_server_stopped_or_killed_in_a_call_costs_that_call_alone(
    name: str, follow: Follow
) -> None:
    """SIGSTOP before the call, so that it is certain that no answer comes."""
    tool, arguments = QUESTIONS[name]
    async with follow(name) as followed:  # all are taken to destroy, so nothing is repeated
        first = await followed.call(tool, arguments)
        assert first.failure is None
        processes = children()
        os.kill(processes[-1], signal.SIGSTOP)
        hung = await followed.call(tool, arguments, within_s=1.0)
        assert hung.failure is Failure.UNKNOWN_OUTCOME
        assert "no answer" in hung.content
        assert hung.elapsed_s < 10

        again = await followed.call(tool, arguments)
        assert again.failure is None
        os.kill(children()[-1], signal.SIGSTOP)
        calling = await followed.under_way(tool, arguments)
        os.kill(children()[-1], signal.SIGKILL)
        killed = await calling
        assert killed.failure is Failure.UNKNOWN_OUTCOME
        assert "broke the connection" in killed.content
        assert (await followed.call(tool, arguments)).failure is None


@needs_proc
async def test_a_read_is_called_again_in_a_new_process_and_nothing_is_left_behind(
    follow: Follow,
) -> None:
    before, processes = handles(), children()
    async with follow("everything", trust_annotations=True) as followed:
        assert (await followed.call(ECHO, {"message": "1"})).failure is None
        open_now, running = handles(), len(children())
        for _ in range(2):
            await followed.call(ECHO, {"message": "2"})
            os.kill(children()[-1], signal.SIGSTOP)
            calling = await followed.under_way(ECHO, {"message": "3"})
            os.kill(children()[-1], signal.SIGKILL)
            survived = await calling
            assert (survived.content, survived.attempts) == ("Echo: 3", 2)
        async with asyncio.timeout(LONGEST_S):
            while len(children()) > running:  # noqa: ASYNC110 - the dead are waited for elsewhere
                await asyncio.sleep(0.01)
        assert handles() == open_now
    assert children() == processes
    assert handles() == before


class Everything:
    """The server over HTTP, to be killed and started again at the same address."""

    def __init__(self, program: Path) -> None:
        self._program = program
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self._port}/mcp"
        self.process: asyncio.subprocess.Process

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(NODE, self._program, "streamableHttp"),
            env={**ENV, "PORT": self._port},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self.process.stderr is not None
        async with asyncio.timeout(LONGEST_S):
            while b"listening" not in (line := await self.process.stderr.readline()):
                assert line, "it ended before it listened"

    async def kill(self) -> None:
        self.process.kill()
        await self.process.communicate()


@pytest.fixture
async def everything(packages: Path) -> AsyncIterator[Everything]:
    server = Everything(packages / "server-everything/dist/index.js")
    await server.start()
    yield server
    if server.process.returncode is None:
        await server.kill()


async def test_over_http_a_server_stopped_killed_and_back_is_used_again(
    everything: Everything, follow: Follow
) -> None:
    hint = {"echo": "read"}
    async with follow("everything", url=everything.url, effects=hint) as followed:
        assert (await followed.call(ECHO, {"message": "1"})).content == "Echo: 1"
        everything.process.send_signal(signal.SIGSTOP)
        hung = await followed.call(LONG, {"duration": 0, "steps": 1}, within_s=1.0)
        assert hung.failure is Failure.UNKNOWN_OUTCOME
        everything.process.send_signal(signal.SIGCONT)
        assert (await followed.call(ECHO, {"message": "2"})).content == "Echo: 2"

        calling = await followed.under_way(LONG, FIVE_MINUTES)
        await everything.kill()
        killed = await calling
        assert killed.failure in (Failure.UNAVAILABLE, Failure.UNKNOWN_OUTCOME)
        await everything.start()
        back = await followed.call(ECHO, {"message": "3"})
        assert (back.content, back.failure) == ("Echo: 3", None)
