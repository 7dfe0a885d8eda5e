"""Tools that do what they should not, for tests/tools/test_isolated.py."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from tools.errors import ToolFailed
from tools.executor import CallContext
from tools.executors.function import tool
from tools.executors.isolation import Isolation

APART = Isolation(memory_mb=200, result_bytes=100_000)


@tool(isolated=APART, read_only=True)
def add(a: int, b: int, context: CallContext) -> dict[str, object]:
    """Add."""
    print("this is no answer")  # noqa: T201
    return {"sum": a + b, "run": context.run_id, "pid": os.getpid()}


@tool(isolated=APART, read_only=True)
async def later(a: int) -> int:
    """Add one, on a loop."""
    return a + 1


@tool(isolated=APART)
def hoard(megabytes: int) -> int:
    """Take memory."""
    return len(bytearray(megabytes * 1024 * 1024))


@tool(isolated=APART)
def crash() -> int:
    """Read what is not there."""
    return ctypes.string_at(0)[0]


@tool(isolated=APART)
def leave(code: int) -> None:
    """Go without a word."""
    os._exit(code)


@tool(isolated=APART)
def refuse() -> None:
    """Say no."""
    raise ToolFailed("not today")


@tool(isolated=APART)
def stumble() -> None:
    """Have a bug."""
    raise KeyError("nothing there")


@tool(isolated=APART)
def talk(characters: int) -> str:
    """Say much."""
    return "x" * characters


@tool(isolated=APART)
def reach(host: str, port: int) -> str:
    """Connect to somewhere."""
    with socket.create_connection((host, port), timeout=5) as connection:
        return str(connection.getpeername())


@tool(isolated=Isolation(network=True))
def reach_out(host: str, port: int) -> str:
    """Connect to somewhere, as it may."""
    with socket.create_connection((host, port), timeout=5) as connection:
        return str(connection.getpeername())


@tool(isolated=Isolation(env=("TOOL_ISOLATED_KEY",)))
def spy() -> str:
    """All that can be read of anybody's environment."""
    seen = [repr(dict(os.environ))]
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            seen.append(file.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(seen)


@tool(isolated=APART)
def breed(file: str) -> None:
    """Start what wants to live on, in a session of its own, and wait for ever."""
    heir = f"import time; open({file!r}, 'w').write('begun'); time.sleep(600)"
    subprocess.Popen([sys.executable, "-I", "-S", "-c", heir], start_new_session=True)
    while True:
        time.sleep(60)


@tool(isolated=APART, timeout_s=1)
def spin() -> None:
    """Use the processor."""
    while True:
        pass
