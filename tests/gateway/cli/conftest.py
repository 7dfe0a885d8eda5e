"""A gateway over a scripted model, served as `gateway serve` does, for commands that take `--url`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from gateway.agent.loop import AgentLoop
from gateway.cli.serving import GatewayServer, bind, server_config, url_of
from gateway.compose import build_application
from gateway.services import Services
from policies.policy import Policy
from routing.backends.scripted import Item, ScriptedBackend
from routing.router import Member, Router
from tools.errors import ToolFailed
from tools.executors.function import as_tool, tool
from tools.registry import Registry

Serve = Callable[..., str]


_calculated: list[str] = []


@pytest.fixture
def calculated() -> list[str]:
    """The expressions that the tool was called with during the test."""
    _calculated.clear()
    return _calculated


@tool(read_only=True)
def calculate(expression: str) -> dict[str, str]:
    """Evaluate an arithmetic expression exactly."""
    _calculated.append(expression)
    known = {"6 * 7": "42", "1 + 1": "2"}
    if expression not in known:
        raise ToolFailed("this is no expression; write such as 6 * 7")
    return {"result": known[expression]}


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a script of the intermediary's turns (and of the expert's); gives the URL.

    `policies` are asked, and other `Services` taken, where they are given.
    """
    with ExitStack() as open_servers:

        def start(*turns: Item, expert: list[Item] | None = None, **more: Any) -> str:
            return open_servers.enter_context(_serving(list(turns), expert, **more))

        yield start


@contextmanager
def _serving(
    turns: list[Item], expert_turns: list[Item] | None, policies: Policy | None = None, **more: Any
) -> Generator[str]:
    registry = Registry()
    registry.register(*as_tool(calculate))
    intermediary = ScriptedBackend(turns)
    expert = None if expert_turns is None else ScriptedBackend(expert_turns)
    router = Router(Member(intermediary), None if expert is None else Member(expert))
    services = Services(
        loop=AgentLoop(router, registry, policies),
        policies=policies or Policy(),
        registry=registry,
        models={"intermediary": intermediary} | ({} if expert is None else {"expert": expert}),
        version="0",
        **more,
    )
    up = threading.Event()
    bound = bind("127.0.0.1", 0)
    server = GatewayServer(
        server_config(lambda: build_application(services), access_log=False), up.set
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    assert up.wait(30)
    try:
        yield url_of(bound)
    finally:
        server.should_exit = True
        thread.join(10)
        bound.close()
