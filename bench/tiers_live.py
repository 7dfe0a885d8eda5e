"""Two real engines: their service times recorded, and the tier switch between them (needs scripts/vllm install).

    python -m bench.tiers_live record      vLLM and llama.cpp by themselves, with 1, 2, … turns at once;
                                           written to bench/tiers_times.json, which `bench.tiers` simulates from
    python -m bench.tiers_live run         a gateway over both under a bursty load of two priorities, with tiers
                                           and without; --write puts the table into docs/tiers.md

The first tier is vLLM with room for eight turns: 10 blocks of KV cache, no prefix cache, `--scheduling-policy
priority`. The overflow tier is llama.cpp inside the gateway, two slots. Both serve the embedded model and
share this machine's processors. Every request is one turn without tools; its answer is
prescribed by a schema, 2 to 16 words.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import aiohttp
from mistral_common.protocol.instruct.messages import UserMessage

from bench.tier_engines import Level, Recorded
from bench.tier_load import Answered, Course, Request, bursts, change, table
from bench.tier_page import PAGE, put
from routing.backend import ModelBackend, Sampling, Turn
from routing.backends.llamacpp import LlamaCppBackend
from routing.backends.vllm import VllmBackend
from routing.engine_load import read_metrics

ROOT = Path(__file__).resolve().parents[1]
NANO = ROOT / "models" / "nano"
TIMES = Path(__file__).with_name("tiers_times.json")
VLLM_PLACES, LLAMA_PLACES = 8, 2
_FLAGS = (
    "--served-model-name nano --enforce-eager --max-model-len 512 --max-num-seqs 8 --no-enable-prefix-caching "
    "--num-gpu-blocks-override 10 --scheduling-policy priority"
).split()
_WINDOW, _MOST_TOKENS = 512, 120
_WORDS = "rain garden blue seven market window letter river stone paper winter music train bread coffee".split()


def text(chance: random.Random) -> str:
    """What is asked."""
    return f"Tell me about the {chance.choice(_WORDS)} and the {chance.choice(_WORDS)}."


def schema(size: float, chance: random.Random) -> dict[str, Any]:
    """The one answer that is allowed, of 2 to 16 words: how long a turn is must not be the model's choice."""
    words = " ".join(chance.choices(_WORDS, k=2 + int(14 * size)))
    return {
        "type": "object",
        "properties": {"said": {"const": words}},
        "required": ["said"],
        "additionalProperties": False,
    }


@contextmanager
def process(command: list[str], log: Path, **environment: str) -> Generator[None]:
    """A child process for as long as the block lasts."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
    try:
        yield
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_answer(url: str, log: Path, within_s: float = 600) -> None:
    """Until something answers there; SystemExit with the end of the log when nothing does."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise SystemExit(f"nothing answers at {url}:\n{log.read_text(errors='replace')[-3000:]}")


@contextmanager
def vllm(args: argparse.Namespace, folder: Path) -> Generator[str]:
    """A vLLM server on the embedded model, or the one that runs already; gives its root URL."""
    if args.root:
        yield args.root
        return
    port, log = free_port(), folder / "vllm.log"
    command = [str(args.vllm), "serve", str(NANO / "safetensors"), str(port), *_FLAGS]
    with process(command, log, VLLM_CPU_OMP_THREADS_BIND="nobind", OMP_NUM_THREADS="1"):
        root = f"http://127.0.0.1:{port}"
        await_answer(f"{root}/health", log)
        yield root


async def level(backend: ModelBackend, clients: int, seconds: float, metrics: Any = None) -> Level:
    """A closed loop of so many clients."""
    loop, chance = asyncio.get_running_loop(), random.Random(clients)
    latencies, caches = list[float](), list[float]()
    began = loop.time()

    async def client() -> None:
        while loop.time() < began + seconds:
            turn = Turn(
                [UserMessage(content=text(chance))],
                sampling=Sampling(temperature=0, max_tokens=_MOST_TOKENS),
                output_schema=schema(chance.random(), chance),
            )
            asked = loop.time()
            async for _ in backend.stream(turn):
                pass
            latencies.append(loop.time() - asked)

    async def watch() -> None:
        while metrics is not None:
            caches.append(read_metrics(await metrics(2.0), 0).kv_cache or 0.0)
            await asyncio.sleep(0.2)

    watching = asyncio.ensure_future(watch())
    await asyncio.gather(*(client() for _ in range(clients)))
    lasted = loop.time() - began
    watching.cancel()
    # Clients end their last turn alone, so the middle of what was seen of the cache counts.
    kept = sorted(caches)[len(caches) // 2 :]
    return Level(clients, lasted, tuple(latencies), fmean(kept) if kept else 0.0)


async def record(args: argparse.Namespace) -> None:
    """Both engines, one after the other."""
    found = list[Recorded]()
    with tempfile.TemporaryDirectory() as folder, vllm(args, Path(folder)) as root:
        backend = VllmBackend("vllm", "nano", f"{root}/v1", context_tokens=_WINDOW)
        await level(backend, 2, 3)  # what is first is slow
        levels = [await level(backend, n, args.seconds, backend.metrics) for n in (1, 2, 4, 8)]
        found.append(Recorded("vllm", VLLM_PLACES, tuple(levels)))
        await backend.aclose()
    local = LlamaCppBackend("llamacpp", NANO / "nano.gguf", threads=1, slots=LLAMA_PLACES)
    await level(local, 1, 2)
    levels = [await level(local, n, args.seconds) for n in (1, 2)]
    found.append(Recorded("llamacpp", LLAMA_PLACES, tuple(levels)))
    await local.aclose()
    for one in found:
        rates = ", ".join(f"{each.clients} at once {each.rate:.2f}/s" for each in one.levels)
        print(f"{one.engine}: {rates}")
    args.times.write_text(json.dumps([one.as_json() for one in found]) + "\n")


_MODEL = "{{backend: vllm, model: nano, base_url: '{root}/v1', context_tokens: 512, priority_scheduling: true}}"
_CONFIG = """\
models: {{intermediary: {model}}}
{tiers}
tools: {{python: []}}
storage: {{url: 'memory:'}}
telemetry: {{metrics: true}}
"""
_TIERS = f"""\
tiers:
  turns: {VLLM_PLACES}
  overflow: {{{{model: {{{{backend: llamacpp, model: '{{gguf}}', llamacpp: {{{{threads: 1, slots: {LLAMA_PLACES}}}}}}}}}}}}}
"""


@asynccontextmanager
async def gateway(folder: Path, config: str) -> AsyncGenerator[str]:
    """A gateway process; gives its URL."""
    (folder / "gateway.yaml").write_text(config)
    port, log = free_port(), folder / "gateway.log"
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "serve"]
    command += ["--config", str(folder / "gateway.yaml"), "--port", str(port)]
    with process(command, log):
        url = f"http://127.0.0.1:{port}"
        await asyncio.to_thread(await_answer, f"{url}/healthz", log, 60.0)
        yield url


async def course(url: str, engine: VllmBackend, load: Iterable[Request]) -> Course:
    """The load against a gateway."""
    loop, chance = asyncio.get_running_loop(), random.Random(7)
    began = loop.time()
    busy = list[tuple[float, float]]()
    answered = list[Answered]()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )

        async def one(request: Request, said: str) -> None:
            await asyncio.sleep(began + request.at - loop.time())
            body: dict[str, Any] = {
                "model": "gateway",
                "messages": [{"role": "user", "content": said}],
                "gateway": {"tools": []},
                "max_tokens": _MOST_TOKENS,
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "said", "schema": schema(request.size, chance)},
                },
                "temperature": 0,
                "service_tier": "flex" if request.priority == "low" else "priority",
            }
            asked = loop.time()
            async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                whole = await response.json()
            tiers = whole.get("gateway", {}).get("tiers", ["gpu"])
            answered.append(
                Answered(request.priority, loop.time() - asked, tiers[0], response.status != 200)
            )

        async def watch() -> None:
            while True:
                running = read_metrics(await engine.metrics(5.0), 0).running
                async with session.get(f"{url}/metrics") as response:
                    lines = (await response.text()).splitlines()
                cpu = [
                    line for line in lines if line.startswith('gateway_tier_running{tier="cpu"}')
                ]
                local = float(cpu[0].split()[1]) if cpu else 0.0
                busy.append((running / VLLM_PLACES, min(local / LLAMA_PLACES, 1.0)))
                await asyncio.sleep(0.5)

        # The first requests of a process load what it imports late: they are not measured.
        for _ in range(2):
            await asyncio.gather(
                *(one(Request(0.0, priority, 0.5), text(chance)) for priority in ("high", "low"))
            )
        answered.clear()
        began = loop.time() + 0.2
        watching = asyncio.ensure_future(watch())
        asked = [one(each, text(chance)) for each in load]
        await asyncio.gather(*asked)
        watching.cancel()
    return Course(tuple(answered), (fmean(b[0] for b in busy), fmean(b[1] for b in busy)))


async def run(args: argparse.Namespace) -> None:
    """By priority in one tier, and with two: the same load twice."""
    found = dict[str, Course]()
    with tempfile.TemporaryDirectory() as folder, vllm(args, Path(folder)) as root:
        engine = VllmBackend("vllm", "nano", f"{root}/v1", context_tokens=_WINDOW)
        await level(engine, 2, 3)
        alone = await level(engine, VLLM_PLACES, args.seconds / 4)
        rate = args.load * alone.rate
        load = bursts(rate, args.seconds, args.seed, args.period)
        tiers = _TIERS.format(gguf=NANO / "nano.gguf")
        model = _MODEL.format(root=root)
        for name, section in (("one tier, priorities", ""), ("two tiers", tiers)):
            config = _CONFIG.format(model=model, tiers=section)
            async with gateway(Path(folder), config) as url:
                found[name] = await course(url, engine, load)
            print(f"{name}: {len(found[name].answered)} answered", file=sys.stderr)
        await engine.aclose()
    busier, slower = change([found["one tier, priorities"]], [found["two tiers"]])
    failed = sum(each.failed for one in found.values() for each in one.answered)
    lines = [
        (
            f"Measured on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}: {len(load)} requests in {args.seconds:g} s, "
            f"{rate:.1f} a second in the mean, {args.load:.0%} of what vLLM alone did just before with "
            f"{VLLM_PLACES} at once; {failed} failed."
        ),
        "",
        *table({name: [one] for name, one in found.items()}),
        "",
        f"Two tiers against one with priorities: utilisation {busier}, mean response time {slower}.",
    ]
    print("\n".join(lines))
    if args.write:
        put("live", lines)
        print(f"written to {PAGE}", file=sys.stderr)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("record", "run"))
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--load", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--period", type=float, default=24, help="a calm and a burst, in seconds")
    parser.add_argument("--times", type=Path, default=TIMES)
    parser.add_argument("--vllm", type=Path, default=ROOT / "scripts" / "vllm")
    parser.add_argument("--root", help="of a vLLM server that runs already, with the flags above")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    args.seconds = args.seconds or (8 if args.what == "record" else 48)
    asyncio.run(record(args) if args.what == "record" else run(args))


if __name__ == "__main__":
    main()
