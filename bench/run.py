"""The gateway beside its peers, in interleaved rounds: `scripts/bench [--peers] [--rounds N]`.

Figures a target and suite: requests a second, CPU time a request (of the server's processes), median
and 99th percentile in milliseconds, each the median over the rounds, and the ratio to LiteLLM's proxy.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
ROOT = HERE.parent
UPSTREAM_PORT = 18000
START_S = 120


@dataclass(frozen=True)
class Target:
    """A server under test. `bodies` maps a suite to its request and a word the answer must hold."""

    name: str
    port: int
    command: list[str]
    bodies: dict[str, tuple[str, str]]


GATEWAY = Target(
    "gateway",
    18080,
    [
        *(str(Path(sys.executable).with_name("gateway")), "serve"),
        *("--config", str(HERE / "gateway.yaml"), "--port", "18080"),
    ],
    {
        "turn": ("turn", "get_weather"),
        "stream": ("stream", "[DONE]"),
        "run": ("run", "degrees"),
    },
)
LITELLM = Target(
    "litellm-proxy",
    18200,
    [
        *(str(HERE / ".peers/litellm/bin/litellm"), "--config", str(HERE / "litellm.yaml")),
        *("--host", "127.0.0.1", "--port", "18200", "--num_workers", "1"),
    ],
    {"turn": ("peer_turn", "get_weather"), "stream": ("peer_stream", "[DONE]")},
)


def build(name: str) -> Path:
    """Compile one of the C programs beside this file, unless that was done already."""
    source, program = HERE / f"{name}.c", HERE / ".build" / name
    program.parent.mkdir(exist_ok=True)
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["gcc", "-O2", "-w", "-o", str(program), str(source)], check=True)
    return program


@contextmanager
def running(command: list[str], cpu: int, log: Path) -> Iterator[int]:
    """Run a command pinned to one processor, in a process group that is ended with the block."""
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with log.open("w") as out:
        process = subprocess.Popen(
            ["taskset", "-c", str(cpu), *command],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment | {"PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until_served(target: Target) -> float:
    """Seconds until the first right answer. Raises TimeoutError."""
    body, word = target.bodies["turn"]
    data = (HERE / "bodies" / f"{body}.json").read_bytes()
    url = f"http://127.0.0.1:{target.port}/v1/chat/completions"
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    began = time.monotonic()
    while time.monotonic() - began < START_S:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                if word.encode() in answer.read():
                    return time.monotonic() - began
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"{target.name} did not answer within {START_S} s")


def processes_of(pid: int) -> list[int]:
    """The process and everything below it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cpu_seconds(pid: int) -> float:
    """Time on a processor so far, of the process and everything below it."""
    total = 0
    for one in processes_of(pid):
        for schedstat in Path(f"/proc/{one}/task").glob("*/schedstat"):
            total += int(schedstat.read_text().split()[0])
    return total / 1e9


def resident_mb(pid: int) -> float:
    """Proportional resident memory in MB."""
    total = 0
    for one in processes_of(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def measure(
    target: Target, suite: str, pid: int, seconds: float, connections: int
) -> dict[str, float]:
    """One round of load on one target."""
    body, word = target.bodies[suite]
    before = cpu_seconds(pid)
    command = ["taskset", "-c", "1", str(build("loadgen")), "-p", str(target.port)]
    command += ["-P", "/v1/chat/completions", "-b", str(HERE / "bodies" / f"{body}.json")]
    command += ["-c", str(connections), "-d", str(seconds), "-k", word]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    figures["cpu_us"] = (cpu_seconds(pid) - before) * 1e6 / max(1, figures["n"])
    return figures


def table(results: dict[tuple[str, str], list[dict[str, float]]], about: dict[str, str]) -> str:
    """The figures as Markdown."""
    lines = [
        "| suite | target | requests/s | min-max | CPU µs each | p50 ms | p99 ms | errors | × LiteLLM |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (suite, name), rounds in sorted(results.items()):
        rate = median(one["rps"] for one in rounds)
        low, high = min(one["rps"] for one in rounds), max(one["rps"] for one in rounds)
        peer = results.get((suite, LITELLM.name))
        ratio = f"{rate / median(one['rps'] for one in peer):.1f}" if peer else ""
        figures = [median(one[key] for one in rounds) for key in ("cpu_us", "p50_ms", "p99_ms")]
        errors = sum(one["errors"] for one in rounds)
        lines.append(
            f"| {suite} | {name} | {rate:.0f} | {low:.0f}-{high:.0f} | {figures[0]:.0f} "
            f"| {figures[1]:.2f} | {figures[2]:.2f} | {errors:.0f} | {ratio} |"
        )
    lines += ["", *(f"- {name}: {text}" for name, text in about.items())]
    return "\n".join(lines)


def main() -> int:
    """Measure and print; with `--out` also write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="LiteLLM's proxy beside it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--suites", default="turn,stream,run")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    targets = [GATEWAY, LITELLM] if options.peers else [GATEWAY]
    logs = HERE / ".build"
    upstream = [str(build("mock_upstream")), str(UPSTREAM_PORT)]
    results: dict[tuple[str, str], list[dict[str, float]]] = {}
    about: dict[str, str] = {}
    with ExitStack() as stack:
        stack.enter_context(running(upstream, 1, logs / "upstream.log"))
        pids = {}
        for target in targets:
            log = logs / f"{target.name}.log"
            pids[target.name] = stack.enter_context(running(target.command, 0, log))
            served = wait_until_served(target)
            memory = resident_mb(pids[target.name])
            about[target.name] = f"first answer after {served:.1f} s, {memory:.0f} MB"
        for suite in options.suites.split(","):
            able = [target for target in targets if suite in target.bodies]
            for target in able:
                measure(target, suite, pids[target.name], 1.0, options.connections)
            for number in range(options.rounds):
                for target in able[number % len(able) :] + able[: number % len(able)]:
                    pid = pids[target.name]
                    figures = measure(target, suite, pid, options.seconds, options.connections)
                    results.setdefault((suite, target.name), []).append(figures)
                print(f"{suite}: round {number + 1} of {options.rounds}", file=sys.stderr)
    text = table(results, about)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
