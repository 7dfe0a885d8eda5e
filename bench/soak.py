"""A gateway under load for as long as one likes, and whether it stays as it was.

    python -m bench.soak --minutes 30 [--write]

First it is loaded as much as it takes, to know where it saturates; then it gets half of that, or what takes
`--cpu-share` of a processor if that is less, with clients that leave, cancel and meet failing tools
(`soak_load.py`). Its memory, tasks, sockets, file handles and threads are looked at all the while, and once
more when everybody has gone. Exit code 1 when something grew. `--write` puts the figures into docs/soak.md
and the picture beside it. The engine is scripted and speaks over real sockets, storage is SQLite.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import yaml

from bench.processes import ROOT, cpu_seconds
from bench.soak_engine import Engine, serving
from bench.soak_load import Load
from bench.soak_report import Allowed, Sample, leaks, picture, table

DOCUMENT = ROOT / "docs" / "soak.md"
_START_S = 300.0
_CONNECTIONS = 32
_SAMPLES = 240
_IDLE_S = 60.0
_STEADY = 5
_FIGURES = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end -->)", re.DOTALL)

_COUNTED = ("tasks", "sockets", "files", "threads")
_HANDLES = {"files": 6.0, "threads": 6.0}
ALLOWED = Allowed(
    # What is open at a time moves with how busy the machine is; SQLite's connections and threads of the
    # pool come when they are first needed. What Python holds tells a leak of the gateway's; resident memory moves
    # with SQLite's page caches (2 MB a connection) and what the allocators keep, too.
    load={"rss_mb": 10.0, "blocks": 20.0, **_HANDLES, "tasks": 10.0, "sockets": 10.0},
    idle={"rss_mb": 15.0, "blocks": 20.0, **_HANDLES, "tasks": 0.0, "sockets": 0.0},
)


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of it. `saturation` and `rate` are requests a second; `cpu_ms` the gateway's for each."""

    saturation: float
    rate: float
    cpu_ms: float
    seconds: float
    before: Sample
    after: Sample
    samples: list[Sample]
    load: Load
    engine: Engine


class Gateway:
    """A gateway as a process of its own, looked at from outside."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process = process
        self.url = url

    async def sample(self, session: aiohttp.ClientSession, at_s: float) -> Sample:
        """What it holds now. The connection that asks is not kept."""
        async with session.get(f"{self.url}/soak", headers={"Connection": "close"}) as answer:
            tasks, blocks = map(int, (await answer.text()).split())
        return await asyncio.to_thread(self._look, tasks, blocks, at_s)

    def _look(self, tasks: int, blocks: int, at_s: float) -> Sample:
        proc = Path(f"/proc/{self.process.pid}")
        sockets = files = 0
        for handle in (proc / "fd").iterdir():
            try:
                target = str(handle.readlink())
            except OSError:  # closed meanwhile
                continue
            sockets += target.startswith("socket:")
            files += not target.startswith("socket:")
        pages = int((proc / "statm").read_text().split()[1])
        threads = re.search(r"^Threads:\s+(\d+)", (proc / "status").read_text(), re.MULTILINE)
        values = {
            "rss_mb": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
            "blocks": blocks / 1000,
            "tasks": tasks,
            "sockets": sockets,
            "files": files,
            "threads": int(threads[1]) if threads else 0,
        }
        return Sample(at_s, values)

    async def idle(self, session: aiohttp.ClientSession) -> Sample:
        """What it holds when nobody asks anything: once nothing changes any more, a minute at most."""
        until, same, last = time.monotonic() + _IDLE_S, 0, None
        while True:
            await asyncio.sleep(0.5)
            now = await self.sample(session, 0.0)
            counts = {name: now.values[name] for name in _COUNTED}
            same = same + 1 if counts == last else 0
            last = counts
            if same >= _STEADY or time.monotonic() > until:
                return now


@asynccontextmanager
async def gateway(folder: Path, engine: int) -> AsyncGenerator[Gateway]:
    """A gateway with everything that is on by default, SQLite in `folder`."""
    model = {"backend": "vllm", "model": "m", "base_url": f"http://127.0.0.1:{engine}/v1"}
    config = folder / "gateway.yaml"
    document = {
        "models": {"intermediary": {**model, "context_tokens": 32_768}},
        "tools": {"python": ["bench.soak_tools"]},
        "storage": {"url": f"sqlite:///{folder}/gateway.db"},
    }
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = _start(folder / "gateway.log", config, port)
    try:
        made = Gateway(process, f"http://127.0.0.1:{port}")
        await _started(made, folder / "gateway.log")
        yield made
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)


def _start(log: Path, config: Path, port: int) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "bench.soak_gateway", str(port)],
            stdout=out,
            stderr=out,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "GATEWAY_CONFIG": str(config)},
        )


async def _started(made: Gateway, log: Path) -> None:
    until = time.monotonic() + _START_S
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{made.url}/healthz"):
                    return
            except aiohttp.ClientError:
                if made.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(await asyncio.to_thread(log.read_text)) from None
                await asyncio.sleep(0.1)


async def saturate(load: Load, seconds: float) -> float:
    """Requests a second when there are always some more."""
    until = time.monotonic() + seconds
    before = load.done.total()

    async def client() -> None:
        while time.monotonic() < until:
            await load.one()

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(_CONNECTIONS):
            group.create_task(client())
    return (load.done.total() - before) / (time.monotonic() - began)


async def keep_asking(
    load: Load, rate: float, seconds: float, look: Callable[[float], Awaitable[None]]
) -> None:
    """So many requests a second, evenly, whatever becomes of them; `look` now and then."""
    began = time.monotonic()
    asked = looked = 0
    async with asyncio.TaskGroup() as group:
        while (now := time.monotonic() - began) < seconds:
            if now * _SAMPLES >= looked * seconds:
                looked += 1
                await look(now)
            # what a busy machine is late by is not made up for
            asked = max(asked, int(now * rate) - _CONNECTIONS)
            if now * rate >= asked:
                asked += 1
                group.create_task(load.one())
            else:
                await asyncio.sleep(min(asked / rate - now, 0.2))


async def soak(folder: Path, seconds: float, *, cpu_share: float, saturate_s: float) -> Soaked:
    """All of it. `seconds` are those of the load, `saturate_s` those of the way there, twice."""
    engine, samples = Engine(), list[Sample]()
    async with serving(engine) as port, gateway(folder, port) as served:
        pid = served.process.pid

        async def at_once(load: Load) -> tuple[float, float]:
            began = cpu_seconds(pid), load.done.total()
            found = await saturate(load, saturate_s)
            spent = cpu_seconds(pid) - began[0]
            return found, spent * 1000 / max(1, load.done.total() - began[1])

        async with aiohttp.ClientSession() as watching:
            async with _clients() as session:
                warm = Load(served.url, session, seed=0)
                await at_once(warm)
                saturation, cpu_ms = await at_once(warm)
            before = await served.idle(watching)
            rate = min(saturation / 2, cpu_share * 1000 / cpu_ms)

            async def look(at_s: float) -> None:
                samples.append(await served.sample(watching, at_s))

            async with _clients() as session:
                load = Load(served.url, session)
                await keep_asking(load, rate, seconds, look)
            after = await served.idle(watching)
    return Soaked(saturation, rate, cpu_ms, seconds, before, after, samples, load, engine)


def _clients() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
    return aiohttp.ClientSession(connector=connector)


def told(found: Soaked) -> str:
    """The figures for people."""
    done = ", ".join(f"{name} {count:,}" for name, count in found.load.done.most_common())
    wrong = ", ".join(f"{name} {count}" for name, count in found.load.wrong.items())
    return "\n".join(
        [
            (
                f"{datetime.now(UTC):%Y-%m-%d}, {found.seconds / 60:.4g} minutes, {os.cpu_count()} processors."
                f" Saturation with {_CONNECTIONS} clients: {found.saturation:.1f} requests a second,"
                f" {found.cpu_ms:.1f} ms of processor time each. Load: {found.rate:.1f} a second"
                f" ({found.rate / found.saturation:.0%} of saturation),"
                f" {found.load.done.total():,} in all, {found.engine.asked:,} turns of the engine of which"
                f" {found.engine.dropped:,} were broken off."
            ),
            "",
            table(found.samples, found.before, found.after),
            "",
            f"What the clients did: {done}. Not as it should be: {wrong or 'nothing'}.",
            "",
        ]
    )


def main() -> int:
    """Measure, tell, and fail when something grew or went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--saturate", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--cpu-share", type=float, default=1.0, help="of one processor, at most")
    parser.add_argument("--write", action="store_true", help="the figures into docs/soak.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        found = asyncio.run(
            soak(
                Path(folder),
                given.minutes * 60,
                cpu_share=given.cpu_share,
                saturate_s=given.saturate,
            )
        )
    text = told(found)
    print(text)
    if given.write:
        page = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(_FIGURES.sub(lambda _: f"\n{text}\n", page), encoding="utf-8")
        DOCUMENT.with_suffix(".svg").write_text(picture(found.samples), encoding="utf-8")
    grown = leaks(found.samples, found.before, found.after, ALLOWED)
    print("\n".join(grown) if grown else "everything is flat")
    return bool(grown or found.load.wrong)


if __name__ == "__main__":
    sys.exit(main())
