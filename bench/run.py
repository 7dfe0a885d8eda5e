"""The gateway beside its peers, in interleaved rounds: `scripts/bench [--peers | --parts] [--rounds N]`.

Figures a target and suite: requests a second, CPU time a request (of the server's processes), median
and 99th percentile in milliseconds, each the median over the rounds, and the ratio to the suite's peer.
With `--out FOLDER` the table and a picture are written there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import track

from bench.processes import HERE, build, cpu_seconds, resident_mb, running
from bench.report import picture, table
from bench.rules import write_all_rules
from bench.targets import (
    ALL_RULES,
    OTHERS,
    OURS,
    PARTS,
    PEERS,
    SUITES,
    UPSTREAM,
    UPSTREAM_PORT,
    Suite,
    Target,
)

START_S = 120
SETTLED_S = 20
"""At most: what a server was asked and has not finished when a round ends goes on beside the next one's."""


def install(target: Target) -> None:
    """Its packages into an environment of its own, unless that was done already."""
    folder = PEERS / target.name.removesuffix("-slow")
    if folder.exists():
        return
    if target.node_package:
        folder.mkdir(parents=True)
        npm = ["npm", "install", "--silent", "--prefix", str(folder), target.node_package]
        subprocess.run(npm, check=True)
    elif target.packages:
        uv = os.environ.get("UV", "uv")
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
        python = str(folder / "bin" / "python")
        subprocess.run(
            [uv, "pip", "install", "-q", "--python", python, *target.packages], check=True
        )


def require_free(port: int) -> None:
    """Something that was left there by another run would be measured instead."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SystemExit(f"port {port} is taken; end what listens there") from error


def wait_until_served(target: Target) -> float:
    """Seconds until the first right answer. Raises TimeoutError."""
    body, word = next(iter(target.bodies.values()))
    data = (HERE / "bodies" / f"{body}.json").read_bytes()
    headers = {"content-type": "application/json"}
    headers |= dict(one.split(": ", 1) for one in target.headers)
    url = f"http://127.0.0.1:{target.port}/v1/chat/completions"
    request = urllib.request.Request(url, data, headers)
    began = time.monotonic()
    while time.monotonic() - began < START_S:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                if word.encode() in answer.read():
                    return time.monotonic() - began
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"{target.name} did not answer within {START_S} s")


def measure(target: Target, suite: Suite, pid: int, seconds: float) -> dict[str, float]:
    """One round of load on one target."""
    body, word = target.bodies[suite.name]
    command = ["taskset", "-c", "1", str(build("loadgen")), "-p", str(target.port)]
    command += ["-P", "/v1/chat/completions", "-b", str(HERE / "bodies" / f"{body}.json")]
    lasting = str(max(seconds, suite.least_s))
    command += ["-c", str(suite.connections), "-d", lasting, "-k", word]
    command += ["-r", str(suite.rate)] if suite.rate else []
    for header in target.headers:
        command += ["-H", header]
    before = cpu_seconds(pid)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    figures["cpu_us"] = (cpu_seconds(pid) - before) * 1e6 / max(1, figures["n"])
    settle(pid)
    return figures


def settle(pid: int) -> None:
    """Wait until the server rests: it uses less than a fifth of a processor."""
    began, used = time.monotonic(), cpu_seconds(pid)
    while time.monotonic() - began < SETTLED_S:
        time.sleep(0.2)
        before, used = used, cpu_seconds(pid)
        if used - before < 0.04:
            return


def main() -> int:
    """Measure and print; with `--out` also write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="the peers beside it, each installed")
    parser.add_argument(
        "--parts", action="store_true", help="the gateway with parts off and on, and no peers"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--suites", default=",".join(suite.name for suite in SUITES))
    parser.add_argument("--out", type=Path, help="a folder for the table and the picture")
    options = parser.parse_args()
    wanted = [*OURS, *OTHERS] if options.peers else [*OURS, UPSTREAM]
    if options.parts:
        wanted = list(PARTS)
    known = {name for one in wanted for name in one.bodies}
    suites = [one for one in SUITES if one.name in known & set(options.suites.split(","))]
    targets = [one for one in wanted if {suite.name for suite in suites} & one.bodies.keys()]
    logs = HERE / ".build"
    logs.mkdir(exist_ok=True)
    write_all_rules(ALL_RULES)
    upstream = [str(build("mock_upstream")), str(UPSTREAM_PORT)]
    results: dict[tuple[str, str], list[dict[str, float]]] = {}
    about: dict[str, str] = {}
    with ExitStack() as stack:
        pids = {UPSTREAM.name: stack.enter_context(running(upstream, 1, logs / "upstream.log", {}))}
        for target in track(targets, "starting"):
            if not target.command:
                continue
            install(target)
            require_free(target.port)
            log = logs / f"{target.name}.log"
            pid = stack.enter_context(running(target.command, 0, log, target.environment))
            pids[target.name] = pid
            served = wait_until_served(target)
            about[target.name] = f"first answer after {served:.1f} s, {resident_mb(pid):.0f} MB"
        for suite in suites:
            able = [target for target in targets if suite.name in target.bodies]
            for target in able:
                measure(target, suite, pids[target.name], 1.0)
            for number in track(range(options.rounds), suite.name):
                at = number % len(able)
                for target in able[at:] + able[:at]:
                    figures = measure(target, suite, pids[target.name], options.seconds)
                    results.setdefault((suite.name, target.name), []).append(figures)
    where = f"{os.cpu_count()} processors, Python {platform.python_version()}"
    told = (
        f"{datetime.now(UTC):%Y-%m-%d}, {where}, {options.rounds} rounds of {options.seconds:g} s."
    )
    text = f"{told}\n\n{table(results, about)}\n"
    print(text)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        if options.parts:
            (options.out / "parts.md").write_text(text, encoding="utf-8")
        else:
            (options.out / "table.md").write_text(text, encoding="utf-8")
            (options.out / "picture.svg").write_text(picture(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
