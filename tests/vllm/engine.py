"""A real vLLM server as a child process, for as long as a block lasts."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 600


@dataclass(frozen=True)
class Engine:
    """A running vLLM server."""

    root: str
    model: str
    log: Path

    @property
    def base_url(self) -> str:
        return f"{self.root}/v1"

    def metric(self, name: str) -> float:
        """The sum of a Prometheus metric over its labels."""
        with urllib.request.urlopen(f"{self.root}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name + "{"))


@contextmanager
def serving(model_dir: Path, log: Path, *flags: str) -> Generator[Engine, None, None]:
    """vLLM on `model_dir` until the block ends; fails with its log when it does not come up."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [str(ROOT / "scripts" / "vllm"), "serve", str(model_dir), str(port)]
    command += ["--served-model-name", "tiny", "--enforce-eager", *flags]  # no compiling: up sooner
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        engine = Engine(f"http://127.0.0.1:{port}", "tiny", log)
        _await_health(engine, process)
        yield engine
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await_health(engine: Engine, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(f"{engine.root}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            code = process.poll()
        if code is not None or time.monotonic() > end:
            shown = engine.log.read_text(errors="replace")[-6000:]
            pytest.fail(f"vLLM did not come up (exit code {code}):\n{shown}", pytrace=False)
        time.sleep(0.5)  # nothing tells when a process will listen


async def eventually(engine: Engine, metric: str, value: float, within_s: float = 20) -> None:
    """Wait until the engine reports `value`; it tells by its metrics only."""
    async with asyncio.timeout(within_s):
        while await asyncio.to_thread(engine.metric, metric) != value:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
