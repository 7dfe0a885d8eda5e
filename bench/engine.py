"""The gateway in front of a real vLLM: its share of the time, the prefix cache, a client that leaves.

    scripts/vllm install
    scripts/vllm serve models/nano/safetensors 8000 --served-model-name tiny --enforce-eager
    python -m bench.engine [--url http://127.0.0.1:8000] [--out FOLDER]

The engine's own counters say how long it worked on a request, how many tokens of a prompt it had kept, and
how many requests it has running.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from statistics import median

import uvloop
from mistral_common.protocol.instruct.messages import AssistantMessage, ChatMessage, UserMessage

from gateway.agent.events import RunFinished
from gateway.agent.run import RunRequest
from gateway.compose import build_services
from gateway.services import Services
from gateway.settings import load_settings

ASKED = (
    "What is 417 times 23?",
    "How many kilometers are 26.2 miles?",
    "What time is it in Tokyo?",
    "Save a note: the gate code is 4711.",
    "What is 15% of 240?",
    "Convert 72 degrees Fahrenheit to Celsius.",
)
REPEATS = 5
FAR_S = 30.0


class Engine:
    """What vLLM tells of itself."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self, name: str) -> float:
        """The sum of a metric over its labels."""
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        return sum(float(one.rsplit(" ", 1)[1]) for one in lines if one.startswith(name + "{"))


@asynccontextmanager
async def gateway(url: str, folder: str) -> AsyncGenerator[Services]:
    """The gateway with everything on that is on by default."""
    environ = {
        "GATEWAY__MODELS__INTERMEDIARY__BACKEND": "vllm",
        "GATEWAY__MODELS__INTERMEDIARY__BASE_URL": f"{url}/v1",
        "GATEWAY__MODELS__INTERMEDIARY__MODEL": "tiny",
        "GATEWAY__STORAGE__URL": f"sqlite:///{folder}/gateway.db",
        "GATEWAY__TOOLS__NOTES_PATH": f"{folder}/notes.db",
    }
    services = build_services(load_settings(None, environ=environ))
    try:
        yield services
    finally:
        await services.aclose()


async def run(services: Services, request: RunRequest) -> None:
    """A whole run, recorded."""
    log = services.store.begin(request)
    async with aclosing(services.loop.run(request)) as events:
        async for event in events:
            log.append(event)


async def share(services: Services, engine: Engine) -> str:
    """How much of a turn's time is the gateway's and not the engine's."""
    found: list[float] = []
    added: list[float] = []
    for _ in range(REPEATS):
        for asked in ASKED:
            worked = engine("vllm:e2e_request_latency_seconds_sum")
            turns = engine("vllm:e2e_request_latency_seconds_count")
            began = time.perf_counter()
            await run(services, RunRequest(messages=(UserMessage(content=asked),)))
            took = time.perf_counter() - began
            worked = engine("vllm:e2e_request_latency_seconds_sum") - worked
            turns = engine("vllm:e2e_request_latency_seconds_count") - turns
            found.append((took - worked) / took)
            added.append((took - worked) / max(1.0, turns) * 1e3)
    return (
        f"| time that is not the engine's, of a run | {median(found):.1%} |\n"
        f"| … and in milliseconds a turn (HTTP to the engine and the tools in it) | {median(added):.1f} |"
    )


async def prefix(services: Services, engine: Engine) -> str:
    """Tokens of the prompts of a conversation that the engine still had."""
    lines: list[str] = []
    messages: list[ChatMessage] = []
    for number, asked in enumerate(ASKED, start=1):
        queried = engine("vllm:prefix_cache_queries_total")
        hit = engine("vllm:prefix_cache_hits_total")
        messages.append(UserMessage(content=asked))
        request = RunRequest(messages=tuple(messages))
        async with aclosing(services.loop.run(request)) as events:
            messages += [
                AssistantMessage(content=event.outcome.text or "Done.")
                async for event in events
                if isinstance(event, RunFinished)
            ]
        queried = engine("vllm:prefix_cache_queries_total") - queried
        hit = engine("vllm:prefix_cache_hits_total") - hit
        lines.append(
            f"| request {number} of a conversation: prompt tokens, of which kept | "
            f"{queried:.0f}, {hit / max(1.0, queried):.0%} |"
        )
    return "\n".join(lines)


async def until(engine: Engine, *, running: bool, task: asyncio.Task[None] | None = None) -> None:
    """Wait until the engine has requests, or has none, or until the task is over."""
    async with asyncio.timeout(FAR_S):
        while bool(await asyncio.to_thread(engine, "vllm:num_requests_running")) != running:
            if task and task.done():
                return
            await asyncio.sleep(0.002)  # it tells by its metrics only


async def leaving(services: Services, engine: Engine) -> str:
    """How long the engine goes on for a client that has left in the middle of an answer."""
    found: list[float] = []
    for at in range(10):
        asked = f"Tell me a very long story about the number {at}, please, with every detail."
        request = RunRequest(messages=(UserMessage(content=asked),), tool_globs=())
        async with asyncio.TaskGroup() as group:
            task = group.create_task(run(services, request))
            await until(engine, running=True, task=task)
            if not task.done():
                began = time.perf_counter()
                task.cancel()
                await until(engine, running=False)
                found.append((time.perf_counter() - began) * 1e3)
    freed = f"{median(found):.0f}" if found else "none left in time"
    return f"| milliseconds until the engine is free, of {len(found)} who left | {freed} |"


async def measure(url: str) -> str:
    """All of it, as Markdown."""
    engine = Engine(url)
    with tempfile.TemporaryDirectory() as folder:
        async with gateway(url, folder) as services:
            await run(services, RunRequest(messages=(UserMessage(content=ASKED[0]),)))
            parts = [await part(services, engine) for part in (share, prefix, leaving)]
    return "\n".join(["| vLLM on CPU, the embedded model | |", "| --- | --- |", *parts])


def main() -> None:
    """Measure and print; with `--out` also write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--out", type=Path, help="a folder for the table")
    wanted = parser.parse_args()
    logging.disable(logging.WARNING)
    text = uvloop.run(measure(wanted.url))
    print(text)
    if wanted.out:
        wanted.out.mkdir(parents=True, exist_ok=True)
        (wanted.out / "engine.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
