"""One exchange that every client has: a tool that runs here, a tool of the app, and then the answer.

The clients are unmodified and talk to a served gateway over a real socket; the model is a script, so
that what a client does wrong, or the gateway, shows every time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from routing.backends.scripted import Call, Item, Say
from tests.gateway.conftest import Gateway, Serve, serve

__all__ = ["serve"]

QUESTION = "How is the weather in Lyon, and what are 17 and 25?"
ANSWER = "It is sunny in Lyon, and the sum is 42."
WITH_ADD: dict[str, Any] = {"gateway": {"tools": ["add"]}}
"""In the body: the gateway's own tool `add` beside the app's tools."""

SCRIPT: Sequence[Item] = (
    Call("add", {"a": 17, "b": 25}),
    Say("Let me look.", calls=[Call("get_weather", {"city": "Lyon"})]),
    ANSWER,
)


@dataclass
class Exchange:
    """A gateway that plays the script, and the app's side of it: the tool that runs there."""

    gateway: Gateway
    asked: list[str] = field(default_factory=list[str])

    @property
    def base_url(self) -> str:
        return f"{self.gateway.url}/v1"

    def get_weather(self, city: str) -> str:
        """The weather in a city."""
        self.asked.append(city)
        return f"sunny in {city}"

    def openai(self) -> AsyncOpenAI:
        """The client that most frameworks are built on, of the kind that an app would make."""
        # plain HTTP: loading certificates would take longer than the tests
        http = httpx.AsyncClient(verify=False, timeout=20)
        return AsyncOpenAI(base_url=self.base_url, api_key="none", max_retries=0, http_client=http)

    def check(self, text: str) -> None:
        """Both tools ran once, on their side, and the model saw all of it in order."""
        assert text.endswith(ANSWER)
        assert self.gateway.tools.log == ["add"]
        assert self.asked == ["Lyon"]
        turns = self.gateway.intermediary.turns
        assert len(turns) == len(SCRIPT)
        told = [message for message in turns[-1].messages if message.role != "system"]
        assert [message.role for message in told] == [
            "user",
            *("assistant", "tool"),
            *("assistant", "tool"),
        ]
        results = [str(message.content) for message in told if message.role == "tool"]
        assert results == ['{"sum":42}', "sunny in Lyon"]


@pytest.fixture
async def exchange(serve: Serve) -> Exchange:
    """The exchange, ready to be had."""
    return Exchange(await serve(SCRIPT))


Begin = Callable[..., Awaitable[Exchange]]


@pytest.fixture
def exchange_of(serve: Serve) -> Begin:
    """An exchange with another script."""

    async def begin(*script: Item) -> Exchange:
        return Exchange(await serve(script))

    return begin
