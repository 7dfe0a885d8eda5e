"""What runs an isolated tool's functions: a script of its own, `python -I isolated_worker.py`.

One process a module. It imports the module once and then waits for calls on the socket that is its
standard input. For each it forks:

    this process ──► supervisor ──► (init of the namespaces ──►) the function

The supervisor has one thing to do: when the caller hangs up, or the function is done, it kills all there is.
In namespaces of its own nothing that the function starts outlives the init; without them it is killed with
its session. The caller's socket carries the order in and one line of JSON out: what the function prints
goes to standard error.

Nothing of the gateway is imported before the order is read.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET, _CLONE_NEWIPC = (
    0x10000000,
    0x20000000,
    0x40000000,
    0x08000000,
)
_PR_SET_PDEATHSIG = 1
_OUT_OF_MEMORY = 77
_PAGE = resource.getpagesize()
Order = dict[str, Any]


def unshare(*, network: bool) -> None:
    """New namespaces for users, processes and, unless it may have the network, networks. Raises `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags = _CLONE_NEWUSER | _CLONE_NEWPID | _CLONE_NEWIPC | (0 if network else _CLONE_NEWNET)
    if libc.unshare(flags):
        code = ctypes.get_errno()
        raise OSError(code, f"unshare: {os.strerror(code)}")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(order: Order) -> None:
    """Bounds of the process that runs the function; memory is counted from what is taken already."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - nothing else is imported
        taken = int(file.read().split()[0]) * _PAGE
    most = taken + order["memory_mb"] * 1024 * 1024
    seconds = int(order["cpu_s"]) + 1
    for what, bound in (
        (resource.RLIMIT_AS, most),
        (resource.RLIMIT_NOFILE, order["open_files"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (bound, bound))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # told first, then killed


def _exit_code(status: int) -> int:
    return os.waitstatus_to_exitcode(status)


def _told(connection: socket.socket, answer: dict[str, Any]) -> None:
    connection.sendall(json.dumps(answer).encode() + b"\n")


def _work(connection: socket.socket, order: Order, run: Callable[[Order], dict[str, Any]]) -> None:
    """Run the function and tell what came of it; never returns."""
    code = 0
    try:
        _limit(order)
        answer = run(order)
        _told(connection, answer)
    except MemoryError:
        code = _OUT_OF_MEMORY
    except BaseException as error:  # noqa: BLE001 - told to whoever called
        with suppress(OSError):
            _told(connection, {"error": f"{type(error).__name__}: {error}"[:2_000]})
    os._exit(code)


def _init(connection: socket.socket, order: Order, run: Callable[[Order], dict[str, Any]]) -> None:
    """The first process of the namespaces: ends when the function does, and takes all others along."""
    _die_with_parent()
    most = order["processes"] + 2  # this one and the supervisor; counted by user and namespace
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    worker = os.fork()
    if not worker:
        _work(connection, order, run)
    while True:
        ended, status = os.wait()
        if ended == worker:
            code = _exit_code(status)
            os._exit(code if code >= 0 else 128 - code)


def _supervise(
    connection: socket.socket, order: Order, run: Callable[[Order], dict[str, Any]]
) -> None:
    """Start the function, wait for its end or the caller's, kill what is left; never returns."""
    _die_with_parent()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # no other call's orders can be read
    try:
        unshare(network=order["network"])
        begin = _init
    except OSError as error:
        if not order["network"]:
            _told(connection, {"error": f"the network can't be cut off: {error}"})
            os._exit(1)
        begin = _work
    child = os.fork()
    if not child:
        os.setsid()
        begin(connection, order, run)
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(connection, select.POLLRDHUP | select.POLLHUP)
    poll.poll()
    hung_up = not any(fd == ended for fd, _ in poll.poll(0))
    for kill in (os.kill, os.killpg):  # it may not have its session yet
        with suppress(ProcessLookupError):
            kill(child, signal.SIGKILL)
    code = _exit_code(os.waitpid(child, 0)[1])
    if not hung_up and code:
        code = 128 - code if code < 0 else code
        with suppress(OSError):
            _told(connection, {"memory": True} if code == _OUT_OF_MEMORY else {"crash": code})
    os._exit(0)


def serve(control: socket.socket, run: Callable[[Order], dict[str, Any]]) -> None:
    """Fork for every call whose socket comes over `control`, until it is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors are not waited for
    while True:
        data, sockets, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return
        connection = socket.socket(fileno=sockets[0])
        if not os.fork():
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _supervise(connection, _order(connection), run)
        connection.close()


def _order(connection: socket.socket) -> Order:
    (length,) = struct.unpack("!I", _read(connection, 4))
    return json.loads(_read(connection, length))


def _read(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        if not (more := connection.recv(length - len(data))):
            os._exit(0)  # the caller has gone
        data += more
    return data


def main() -> None:
    """Serve one module; its place and the import path are the first thing that comes."""
    if sys.argv[1:] == ["--probe"]:
        unshare(network=False)
        if (child := os.fork()) == 0:
            os._exit(0)
        os._exit(os.waitpid(child, 0)[1] and 1)
    control = socket.socket(fileno=os.dup(0))
    os.dup2(2, 1)  # what is printed can't be taken for an answer
    first = _order(control)
    sys.path[:] = first["path"]
    from tools.executors.isolated_run import runner

    try:
        run = runner(first["module"])
    except BaseException as error:  # noqa: BLE001 - told to whoever starts it
        _told(control, {"error": f"{type(error).__name__}: {error}"[:2_000]})
        os._exit(1)
    _told(control, {"ready": True})
    serve(control, run)


if __name__ == "__main__":
    main()
