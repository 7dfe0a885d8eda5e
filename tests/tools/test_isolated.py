"""Tools that run in a process of their own can't take, reach, see or outlive what they should not."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.tools import isolated_tools
from tools.dry_run import DryRun
from tools.errors import RegistrationError, ToolFailed, ToolUnavailable
from tools.executor import CallContext, Executor
from tools.executors import isolated_worker
from tools.executors.function import as_tool, tool
from tools.executors.isolated import refusal
from tools.executors.isolation import Isolation
from tools.files import FileContent
from tools.spec import ToolSpec, ValidCall

CONTEXT = CallContext(run_id="run_1")
NEEDED = refusal(network=False)
pytestmark = pytest.mark.skipif(NEEDED is not None, reason=str(NEEDED))


def made(name: str) -> tuple[ToolSpec, Executor]:
    return as_tool(getattr(isolated_tools, name))


async def run(name: str, **arguments: Any) -> Any:
    spec, executor = made(name)
    return await executor.execute(ValidCall("abcdefghi", spec, arguments), CONTEXT)


async def test_a_call_brings_its_value_whatever_the_function_prints() -> None:
    first, second = await run("add", a=1, b=2), await run("add", a=2, b=2)
    assert (first["sum"], first["run"], second["sum"]) == (3, "run_1", 4)
    assert await run("later", a=1) == 2


async def test_a_call_of_a_run_whose_files_are_kept_and_that_may_be_dry_is_made() -> None:
    def keep(content: FileContent) -> str | None:
        raise AssertionError(content)

    spec, executor = made("add")
    context = replace(CONTEXT, keep=keep, dry=DryRun(tools=("other",)))
    value = await executor.execute(ValidCall("abcdefghi", spec, {"a": 1, "b": 2}), context)
    assert value["sum"] == 3


async def test_calls_run_side_by_side() -> None:
    told = await asyncio.gather(*(run("add", a=n, b=n) for n in range(5)))
    assert [each["sum"] for each in told] == [0, 2, 4, 6, 8]


async def test_what_takes_too_much_memory_fails_alone() -> None:
    assert await run("hoard", megabytes=50) == 50 * 1024 * 1024
    with pytest.raises(ToolUnavailable, match="more than the 200 MB that it may"):
        await run("hoard", megabytes=400)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("crash", {}, "crashed: SIGSEGV"),
        ("leave", {"code": 3}, "crashed: exit code 3"),
        ("leave", {"code": 0}, "ended without an answer"),
        ("spin", {}, "used up its processor time"),
    ],
)
async def test_a_process_that_ends_is_told_clearly(
    name: str, arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(ToolUnavailable, match=told):
        await run(name, **arguments)


async def test_what_the_function_says_no_to_is_for_the_model_and_a_bug_for_the_log() -> None:
    with pytest.raises(ToolFailed, match="not today"):
        await run("refuse")
    with pytest.raises(RuntimeError, match="KeyError: 'nothing there'"):
        await run("stumble")


async def test_a_result_is_bounded() -> None:
    assert len(await run("talk", characters=90_000)) == 90_000
    with pytest.raises(ToolFailed, match="more than 100000 bytes"):
        await run("talk", characters=200_000)


async def test_without_the_network_nothing_answers_and_with_it_something_does() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        with pytest.raises(RuntimeError, match=r"unreachable|refused"):
            await run("reach", host=host, port=port)
        assert json.dumps(port) in await run("reach_out", host=host, port=port)


async def test_secrets_of_the_gateway_are_not_to_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_SECRET", "gateway-hush")
    monkeypatch.setenv("TOOL_ISOLATED_KEY", "meant-for-it")
    other = subprocess.Popen(["sleep", "600"])  # noqa: ASYNC220 - its environment stands in /proc
    try:
        seen = await run("spy")
    finally:
        other.kill()
        other.wait()
    assert "gateway-hush" not in seen
    assert "meant-for-it" in seen


async def test_a_call_that_is_cancelled_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    call = asyncio.create_task(run("breed", file=str(begun)))
    async with asyncio.timeout(60):
        while not begun.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.01)
    assert living(begun)
    call.cancel()
    await asyncio.wait({call})
    async with asyncio.timeout(30):
        while living(begun):  # noqa: ASYNC110 - so does it end there
            await asyncio.sleep(0.01)


SWARM = """
import json, os, socket, sys, time
sys.path.insert(0, {folder!r})
import isolated_worker as worker

def swarm(order):
    for begun in range(100):
        try:
            child = os.fork()
        except BlockingIOError:
            return {{"value": begun}}
        if not child:
            time.sleep(600)
    return {{"value": 100}}

ours, theirs = socket.socketpair()
if not os.fork():
    ours.close()
    order = {{"network": False, "memory_mb": 200, "cpu_s": 5, "open_files": 64, "processes": 9}}
    worker._supervise(theirs, order, swarm)
theirs.close()
print(ours.makefile().readline())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed, who is not root")
def test_the_processes_of_a_call_are_counted_where_the_gateway_is_not_root() -> None:
    python = shutil.which("python3", path="/usr/bin:/bin")  # the tests' own may be root's alone
    if python is None:
        pytest.skip("no Python that every user may run")
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copy(isolated_worker.__file__, folder)
        told = subprocess.run(
            [python, "-c", SWARM.format(folder=folder)],
            user=65534,
            group=65534,
            extra_groups=(),
            cwd="/",
            capture_output=True,
            text=True,
            check=True,
        )
    assert json.loads(told.stdout) == {"value": 8}, told.stderr  # and the function itself


def living(file: Path) -> bool:
    """Whether a process with the file in its command is there."""
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(file).encode() in each.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_a_function_that_another_process_can_not_find_is_refused() -> None:
    @tool(isolated=Isolation())
    def inner() -> None:
        """Stand in a function."""

    with pytest.raises(RegistrationError, match="can't be found by another process"):
        as_tool(inner)
