"""The console in a real Chromium, over a gateway with scripted models on a real socket."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    async_playwright,
    expect,
)

from gateway.agent.loop import AgentLoop
from gateway.app import create_app
from gateway.services import Services
from gateway.storage.memory import MemoryRunStore
from policies.policy import Policy
from routing.backends.scripted import Item, ScriptedBackend
from routing.router import Member, Price, Router
from tests.console.seed import TOOLS
from tests.gateway.conftest import listening
from tests.npm import fetch
from tools.executor import CallContext
from tools.registry import Registry
from tools.spec import ValidCall

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PATIENCE_MS = 20_000
expect.set_options(timeout=_PATIENCE_MS)
_HERE = Path(__file__).parent


def chromium() -> str | None:
    """A Chromium of this machine; `CHROMIUM` names another one."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in _NAMES if (found := shutil.which(name))), None)


@dataclass
class Answers:
    """Runs every tool of the stage: gives `says[name]`, or raises it."""

    says: dict[str, Any] = field(default_factory=dict[str, Any])
    calls: list[ValidCall] = field(default_factory=list[ValidCall])

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        self.calls.append(call)
        said = self.says.get(call.name, {"ok": True})
        if isinstance(said, Exception):
            raise said
        return said


@dataclass
class Stage:
    """A served gateway and a way to its console."""

    url: str
    services: Services
    tools: Answers
    model: ScriptedBackend


@dataclass
class Visit:
    """A page of the browser, and what its console complained about."""

    page: Page
    stage: Stage
    complaints: list[str] = field(default_factory=list[str])

    async def go(self, path: str) -> Page:
        await self.page.goto(f"{self.stage.url}/console#/{path}")
        return self.page

    async def wait_for(self, text: str) -> None:
        await self.page.get_by_text(text).first.wait_for()


Serve = Callable[..., Awaitable[Stage]]
Open = Callable[..., Awaitable[Visit]]


@pytest_asyncio.fixture(loop_scope="session")
async def serve() -> AsyncIterator[Serve]:
    """Serves a gateway: `await serve(script, expert=…, says=…, policies=…)`."""
    async with AsyncExitStack() as stack:

        async def start(
            script: Iterable[Item] = (),
            *,
            expert: Iterable[Item] | None = None,
            says: dict[str, Any] | None = None,
            policies: Policy | None = None,
            **services: Any,
        ) -> Stage:
            tools, registry = Answers(says or {}), Registry()
            for each in TOOLS:
                registry.register(each, tools)
            model = ScriptedBackend(script, name="ministral-8b", model="ministral-8b")
            members = {"intermediary": Member(model, Price(0.1, 0.1))}
            if expert is not None:
                large = ScriptedBackend(expert, name="mistral-large", model="mistral-large")
                members["expert"] = Member(large, Price(2.0, 6.0))
            rules = policies or Policy()
            loop = AgentLoop(
                Router(members["intermediary"], members.get("expert")), registry, rules
            )
            built = Services(
                loop=loop,
                registry=registry,
                models={role: member.backend for role, member in members.items()},
                policies=rules,
                version="test",
                store=services.pop("store", None) or MemoryRunStore(max_age_s=10**6),
                closers=(loop.aclose,),
                **services,
            )
            url = await stack.enter_async_context(listening(create_app(built), "on"))
            return Stage(url, built, tools, model)

        yield start


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncGenerator[Browser]:
    """A Chromium; the tests that need one are skipped where there is none."""
    found = chromium()
    if found is None:
        pytest.skip("NOT RUN: no Chromium here; apt-get install chromium, or CHROMIUM=/path/to/it")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Open]:
    """Opens the console of a stage: `await visit(stage)`."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    async def start(stage: Stage) -> Visit:
        context = await browser.new_context(
            viewport={"width": 1280, "height": 860},
            color_scheme="light",
            reduced_motion="reduce",
            locale="en-GB",
        )
        contexts.append(context)
        context.set_default_timeout(_PATIENCE_MS)
        page = await context.new_page()
        opened = Visit(page, stage)
        visits.append(opened)

        def complain(message: ConsoleMessage) -> None:
            # A refused request is told by the page itself.
            if message.type == "error" and "Failed to load resource" not in message.text:
                opened.complaints.append(message.text)

        page.on("console", complain)
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        return opened

    yield start
    for each in visits:
        await each.page.unroute_all(behavior="ignoreErrors")
    for each in contexts:
        await each.close()
    assert [each.complaints for each in visits] == [[] for _ in visits]


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, which judges accessibility."""
    return (fetch(_HERE / "node") / "axe-core/axe.min.js").read_text(encoding="utf-8")
