"""A gateway in this process: a socket that is bound, a server on it, and a word when it is up.

`gateway serve` runs it in the foreground. `chat`, `tools` and `eval` without `--url` run the same one
on a free loopback port behind the command, so that there is one way from the terminal to a model.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, NamedTuple

import uvicorn
from pydantic import SecretStr

from gateway.cli.exits import CommandError

_START_S = 120.0
_STOP_S = 15.0


class Started(NamedTuple):
    """A gateway that was started: its address, and the key to show it, where one is asked for."""

    url: str
    key: str | None


class GatewayServer(uvicorn.Server):
    """Calls `on_started` once requests are answered."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()


def bind(host: str, port: int) -> socket.socket:
    """A listening address, taken before anything slow starts. Port 0 takes a free one."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CommandError(f"{host} is no address of this machine: {error.strerror}") from error
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise CommandError(
            f"can't listen on {host}:{port}: {error.strerror}",
            f"choose another port: gateway serve --port {port + 1 if port else 8081}",
        ) from error
    bound.set_inheritable(True)
    return bound


def url_of(bound: socket.socket) -> str:
    """Where clients on this machine reach a bound socket."""
    host, port = bound.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_config(application: Callable[[], Any] | str, **options: Any) -> uvicorn.Config:
    """How every gateway is served: uvloop, httptools, an application made by a factory."""
    return uvicorn.Config(
        application,
        factory=True,
        loop="asyncio" if os.name == "nt" else "uvloop",
        http="httptools",
        ws="gateway.cli.serving:websocket",
        lifespan="on",
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
        **options,
    )


def websocket(**options: Any) -> asyncio.Protocol:
    """A connection that was upgraded. The library is imported for the first: few clients ask for one."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    return WebSocketsSansIOProtocol(**options)


@contextmanager
def served(config: Path | None, *, notes_path: Path | None = None) -> Generator[Started]:
    """A gateway for the time of a command; gives where it is. What it is asked is not kept.

    `notes_path` puts another file in place of the configured notes, for what must not touch them.
    """
    from gateway.compose import build_application, build_services
    from gateway.settings import load_settings

    settings, key = load_settings(config), None
    if settings.auth.enabled:
        key = token_urlsafe(32)
        auth = settings.auth.model_copy(update={"operator_key": SecretStr(key)})
        settings = settings.model_copy(update={"auth": auth})
    storage = settings.storage.model_copy(update={"url": "memory:"})
    settings = settings.model_copy(update={"storage": storage})
    if notes_path is not None:
        tools = settings.tools.model_copy(update={"notes_path": notes_path})
        settings = settings.model_copy(update={"tools": tools})
    # Built here, so that what is wrong is told by the command and not by a thread.
    services = build_services(settings)
    bound = bind("127.0.0.1", 0)
    settled = threading.Event()
    server = GatewayServer(
        server_config(lambda: build_application(services), access_log=False), settled.set
    )

    def run() -> None:
        try:
            server.run(sockets=[bound])
        finally:
            settled.set()

    # A thread of its own: uvicorn leaves Ctrl-C to the main thread, where the command waits.
    thread = threading.Thread(target=run, name="gateway", daemon=True)
    thread.start()
    try:
        settled.wait(_START_S)
        if not server.started:
            raise CommandError("the gateway did not start; see above", "gateway doctor")
        yield Started(url_of(bound), key)
    finally:
        server.should_exit = True
        thread.join(_STOP_S)
        bound.close()
