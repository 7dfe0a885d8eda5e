"""Python functions at arm's length: each call in a process of its own, with bounds.

What it is: the same functions as `tools.executors.function`, run by `isolated_worker`. Arguments and results
go over a socket as JSON. The caller hanging up is what ends a call: on timeout, deadline and cancellation
the socket is closed, and everything that the call started is killed; so it is when the gateway dies.
What it is not: a sandbox of files, which the function reads and writes as the gateway can. Its module is
imported in the gateway too, for its description.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from typing import Any, cast

from tools.errors import RegistrationError, ToolFailed, ToolUnavailable
from tools.executor import CallContext
from tools.executors import isolated_worker
from tools.executors.isolation import Isolation
from tools.spec import ValidCall

_START_S = 60.0
_SIGNALLED = 128
_PLAIN = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")


class Workers:
    """The process that forks for calls of one module, started when it is first needed."""

    def __init__(self, module: str, env: tuple[str, ...]) -> None:
        self._module = module
        self._env = env
        self._lock = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    async def call(self, order: Mapping[str, Any]) -> socket.socket:
        """Begin a call: what it answers comes over the socket, and closing that ends it.

        Raises `ToolUnavailable` when there is no process to be had.
        """
        try:
            async with asyncio.timeout(_START_S), self._lock:
                control = await self._running()
        except TimeoutError as error:
            raise ToolUnavailable("its module takes too long to import", sent=False) from error
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003
        try:
            socket.send_fds(control, [b"c"], [theirs.fileno()])
            await asyncio.get_running_loop().sock_sendall(ours, _framed(order))
        except OSError as error:
            ours.close()
            raise ToolUnavailable(f"its process is gone: {error}", sent=False) from error
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def close(self) -> None:
        """End it, and with it every call."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None

    async def _running(self) -> socket.socket:
        """The socket of the process, which is started if it isn't there. Held by one caller at a time."""
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self.close()
        env = {name: os.environ[name] for name in (*_PLAIN, *self._env) if name in os.environ}
        control, theirs = socket.socketpair()
        self._control = control
        with theirs:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - takes a few milliseconds
                [sys.executable, "-I", isolated_worker.__file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=env,
                start_new_session=True,
            )
        loop = asyncio.get_running_loop()
        control.setblocking(False)  # noqa: FBT003
        try:
            await loop.sock_sendall(control, _framed({"module": self._module, "path": sys.path}))
            told = await _line(control, 10_000)
        except BaseException:
            self.close()
            raise
        if not told.get("ready"):
            self.close()
            raise ToolUnavailable(f"its module can't be imported: {told.get('error')}", sent=False)
        return control


class IsolatedExecutor:
    """Runs one function of a module. `cpu_s` bounds the processor time of a call, in seconds."""

    def __init__(
        self,
        workers: Workers,
        function: Callable[..., Any],
        isolation: Isolation,
        cpu_s: float,
    ) -> None:
        self.function = function
        self.isolation = isolation
        self._workers = workers
        self._cpu_s = cpu_s

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        """Raises `ToolFailed` for what the function says, `ToolUnavailable` when it could not say anything."""
        bounds = self.isolation
        order = {
            "function": self.function.__qualname__,
            "arguments": call.arguments,
            "context": _plain(context),
            "cpu_s": self._cpu_s,
            "memory_mb": bounds.memory_mb,
            "network": bounds.network,
            "open_files": bounds.open_files,
            "processes": bounds.processes,
        }
        connection = await self._workers.call(order)
        try:
            told = await _line(connection, bounds.result_bytes)
        finally:
            connection.close()
        if "value" in told:
            return told["value"]
        if "failed" in told:
            raise ToolFailed(str(told["failed"]))
        if told.get("memory"):
            raise ToolUnavailable(f"it took more than the {bounds.memory_mb} MB that it may")
        if "crash" in told:
            raise ToolUnavailable(f"its process crashed: {_ended(told['crash'])}")
        raise RuntimeError(str(told.get("error")))  # the tool's own bug, for the log


def isolated(
    function: Callable[..., Any], isolation: Isolation, timeout_s: float
) -> IsolatedExecutor:
    """The executor of a function that a new process can find. Raises `RegistrationError`."""
    module, name = function.__module__, getattr(function, "__qualname__", "<no name>")
    if module == "__main__" or "<" in name or _found(module, name) is not function:
        where = f"{module}.{name}"
        raise RegistrationError("$.isolated", f"{where} can't be found by another process")
    if (why := refusal(network=isolation.network)) is not None:
        raise RegistrationError("$.isolated", why)
    return IsolatedExecutor(_workers(module, isolation.env), function, isolation, timeout_s)


def _found(module: str, name: str) -> object:
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


@cache
def refusal(*, network: bool) -> str | None:
    """Why this machine can't isolate, None if it can; tried out once, in a process of its own."""
    if sys.platform != "linux":
        return f"isolated tools need Linux, this is {sys.platform}"
    if network:
        return None  # without namespaces limits and environment hold all the same
    script = isolated_worker.__file__
    tried = subprocess.run(  # noqa: S603 - nothing from outside
        [sys.executable, "-I", "-S", script, "--probe"], capture_output=True, check=False
    )
    if tried.returncode == 0:
        return None
    why = tried.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
    return (
        f"this kernel does not let the tool be cut off from the network ({why[0]}):"
        " allow user namespaces, or allow it the network"
    )


_known: dict[tuple[str, tuple[str, ...]], Workers] = {}
_knowing = threading.Lock()


def _workers(module: str, env: tuple[str, ...]) -> Workers:
    """One process for all tools of a module that see the same environment."""
    with _knowing:
        workers = _known.get((module, env))
        if workers is None:
            workers = _known[module, env] = Workers(module, env)
            atexit.register(workers.close)
        return workers


def _ended(code: object) -> str:
    """A process's end in words; codes above 128 are signals."""
    if isinstance(code, int) and code > _SIGNALLED:
        with suppress(ValueError):
            name = signal.Signals(code - _SIGNALLED).name
            return "it used up its processor time" if name == "SIGXCPU" else name
    return f"exit code {code}"


def _plain(context: CallContext) -> dict[str, Any]:
    """What a function may know of its call, as JSON: it keeps no files, and is only asked to do what is meant."""
    told = asdict(replace(context, keep=None))
    del told["dry"]
    return told


def _framed(order: Mapping[str, Any]) -> bytes:
    data = json.dumps(order).encode()
    return struct.pack("!I", len(data)) + data


async def _line(connection: socket.socket, most: int) -> dict[str, Any]:
    """One line of JSON. Raises `ToolUnavailable` for none, one that is none, and one that is too long."""
    loop, data = asyncio.get_running_loop(), bytearray()
    while not data.endswith(b"\n"):
        try:
            more = await loop.sock_recv(connection, 65_536)
        except OSError:
            more = b""
        if not more:
            raise ToolUnavailable("its process ended without an answer")
        data += more
        if len(data) > most:
            raise ToolFailed(f"its result has more than {most} bytes")
    try:
        told: object = json.loads(data)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise ToolUnavailable("its process answered nonsense")
    return cast("dict[str, Any]", told)
