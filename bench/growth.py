"""What a request costs as there is more of everything: messages, tools, stored runs, tenants.

    python -m bench.growth [--rounds N] [--out FOLDER]

Microseconds of CPU that the event loop's thread takes for one request, the median over rounds in which all
sizes take turns, so that the ratios hold although the machine's speed drifts. The whole application is
asked as in `bench.cost`; the model is another thread, and so is what writes to the database: neither counts.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import uvloop
from rich.progress import track

from bench.cost import HERE, Model, ask
from gateway.access.issuing import create
from gateway.compose import build_application, build_services
from gateway.services import Services
from gateway.settings import load_settings
from tools.executors.function import FunctionExecutor
from tools.spec import ToolSpec

if TYPE_CHECKING:
    from fastapi import FastAPI

REQUESTS = 60
"""Of one size in one round."""
MESSAGES = (2, 20, 200, 1_000)
TOOLS = (2, 100, 1_000, 10_000)
RUNS = (0, 1_000, 10_000)
TENANTS = (1, 100, 1_000)
THINGS = (
    "parcel",
    "invoice",
    "room",
    "ticket",
    "recipe",
    "train",
    "sensor",
    "album",
    "course",
    "plant",
)
ACTS = ("find", "list", "count", "compare", "price", "track", "rate", "share", "sort", "name")


@dataclass(frozen=True)
class Size:
    """An application with so much of something, and the requests that it is asked in turn."""

    of: str
    number: int
    app: FastAPI
    body: bytes
    keys: Sequence[str] = ("",)


@asynccontextmanager
async def application(port: int, **environment: str) -> AsyncGenerator[tuple[Services, FastAPI]]:
    """The gateway with these settings, running."""
    environ = {
        "GATEWAY__MODELS__INTERMEDIARY__BASE_URL": f"http://127.0.0.1:{port}/v1",
        "GATEWAY__STORAGE__URL": "memory:",
        **environment,
    }
    services = build_services(load_settings(HERE / "gateway.yaml", environ=environ))
    app = build_application(services)
    async with app.router.lifespan_context(app):
        yield services, app


def body_of(suite: str, messages: int = 2) -> bytes:
    """A request with so many messages, the last one of the user."""
    asked: dict[str, Any] = json.loads((HERE / "bodies" / f"{suite}.json").read_bytes())
    system, user = asked["messages"]
    said = [
        {"role": "user", "content": f"And what about the weather in town number {at}?"}
        if at % 2 == 0
        else {"role": "assistant", "content": f"It is {at % 30} degrees there, and dry."}
        for at in range(messages - 2)
    ]
    return json.dumps({**asked, "messages": [system, *said, user]}).encode()


def another_tool(at: int) -> ToolSpec:
    """A tool unlike the others in its name and in its words."""
    act, thing = ACTS[at % 10], THINGS[at // 10 % 10]
    schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    return ToolSpec(f"{act}_{thing}_{at}", f"{act.title()} {thing} number {at} of a shop.", schema)


async def sizes(port: int, folder: Path, stack: AsyncExitStack) -> AsyncGenerator[Size]:
    """Each size of each thing."""
    _, plain = await stack.enter_async_context(application(port))
    for number in MESSAGES:
        yield Size("messages", number, plain, body_of("turn", number))

    async def nothing(id: str) -> str:  # noqa: A002 - the parameter of the tools
        return id

    for number in TOOLS:
        services, app = await stack.enter_async_context(application(port))
        for at in range(number - 2):
            services.registry.register(another_tool(at), FunctionExecutor(nothing))
        yield Size("tools", number, app, body_of("run"))
    for number in RUNS:
        url = f"sqlite:///{folder}/runs{number}.db"
        _, app = await stack.enter_async_context(application(port, GATEWAY__STORAGE__URL=url))
        body = body_of("turn")
        for _ in range(number):
            await ask(app, body)
        yield Size("runs stored", number, app, body)
    for number in TENANTS:
        url = f"sqlite:///{folder}/tenants{number}.db"
        services, app = await stack.enter_async_context(
            application(port, GATEWAY__STORAGE__URL=url, GATEWAY__AUTH__ENABLED="true")
        )
        issued = [
            await create(services.keys, tenant=f"tenant-{at}", role="app", name="bench")
            for at in range(number)
        ]
        keys = [one.minted.text for one in issued]
        yield Size("tenants", number, app, body_of("turn"), keys)


async def microseconds(size: Size, keys: Sequence[str]) -> float:
    """CPU of this thread for one request; the mean of a few."""
    began = time.thread_time_ns()
    for key in keys:
        await ask(size.app, size.body, key)
    return (time.thread_time_ns() - began) / 1_000 / len(keys)


async def measure(port: int, rounds: int) -> dict[tuple[str, int], float]:
    """The median over the rounds for each size."""
    taken: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            able = [size async for size in sizes(port, Path(folder), stack)]
            turns = {id(size): cycle(size.keys) for size in able}
            for size in able:
                answer = await ask(size.app, size.body, size.keys[0])
                if b"get_weather" not in answer and b"degrees" not in answer:
                    raise SystemExit(f"{size.of} {size.number}: unexpected: {answer[:500]!r}")
            for at in track(range(rounds), "growth"):
                for size in able[at % len(able) :] + able[: at % len(able)]:
                    keys = [next(turns[id(size)]) for _ in range(REQUESTS)]
                    figure = await microseconds(size, keys)
                    taken.setdefault((size.of, size.number), []).append(figure)
    return {size: median(figures) for size, figures in taken.items()}


def table(found: dict[tuple[str, int], float]) -> str:
    """The figures as Markdown."""
    least: dict[str, float] = {}
    lines = ["| of | number | CPU µs a request | × the least |", "| --- | --- | --- | --- |"]
    for (of, number), figure in found.items():
        first = least.setdefault(of, figure)
        lines.append(f"| {of} | {number:,} | {figure:,.0f} | {figure / first:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print; with `--out` also write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, help="a folder for the table")
    wanted = parser.parse_args()
    logging.disable(logging.WARNING)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    text = table(uvloop.run(measure(server.server_port, wanted.rounds)))
    print(text)
    if wanted.out:
        wanted.out.mkdir(parents=True, exist_ok=True)
        (wanted.out / "growth.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
