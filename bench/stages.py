"""Where a request's time goes, by stage: py-spy on the gateway while it is driven as hard as it takes.

    python -m bench.stages [--seconds S] [--out FOLDER]

Microseconds of CPU for each stage: its share of the samples, times what a request costs. A sample belongs to
the innermost frame whose file says whose work it is; so does what that called in libraries of its own.
"""

from __future__ import annotations

import argparse
import subprocess
from collections import Counter
from pathlib import Path

from rich.progress import track

from bench.processes import HERE, build, running
from bench.run import install, measure, wait_until_served
from bench.targets import GATEWAY, PEERS, SUITES, UPSTREAM_PORT, Suite, Target

STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "model's HTTP client",
        ("/routing/backends/", "/routing/http1/", "/routing/sse.py", "/routing/openai_events.py"),
    ),
    ("decoding, grammar, escalation", ("/routing/",)),
    ("validation and tools", ("/tools/", "/jsonschema", "/bench/")),
    ("policies", ("/policies/",)),
    ("metrics and logs", ("/gateway/telemetry/", "/prometheus_client/", "/logging/")),
    ("run records", ("/gateway/storage/", "/sqlite3/", "/gateway/live")),
    ("loop", ("/gateway/agent/", "/gateway/budgets", "/gateway/transcript/", "/gateway/context/")),
    ("HTTP in and out", ("/gateway/", "/starlette/", "/fastapi/", "/uvicorn/", "/httptools/")),
)
REST = "event loop and sockets"
SPY = Target("py-spy", 0, (), {}, ("py-spy==0.4.2",))


def stage_of(stack: str) -> str:
    """The stage of a sample: `outermost (file:line);…;innermost (file:line)`."""
    for frame in reversed(stack.split(";")):
        for stage, files in STAGES:
            if any(file in frame for file in files):
                return stage
    return REST


def samples(pid: int, seconds: float) -> subprocess.Popen[bytes]:
    """Start to sample the thread that holds the interpreter."""
    command = [str(PEERS / "py-spy/bin/py-spy"), "record", "--pid", str(pid), "--format", "raw"]
    command += ["--duration", f"{seconds:.0f}", "--rate", "500", "--full-filenames", "--gil"]
    out = HERE / ".build" / "stacks.txt"
    return subprocess.Popen(
        ["taskset", "-c", "1", *command, "--output", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def shares() -> dict[str, float]:
    """Each stage's share of what was sampled."""
    found: Counter[str] = Counter()
    for line in (HERE / ".build" / "stacks.txt").read_text().splitlines():
        stack, _, number = line.rpartition(" ")
        found[stage_of(stack)] += int(number)
    total = found.total()
    return {stage: number / total for stage, number in found.items()}


def stages(suite: Suite, pid: int, seconds: float) -> tuple[float, dict[str, float]]:
    """CPU microseconds of a request, unobserved, and how they are shared out."""
    cost = measure(GATEWAY, suite, pid, seconds)["cpu_us"]
    spying = samples(pid, seconds)
    measure(GATEWAY, suite, pid, seconds + 1)
    if spying.wait(60):
        raise SystemExit(f"py-spy ended with {spying.returncode}: may it look at other processes?")
    return cost, shares()


def table(found: dict[str, tuple[float, dict[str, float]]]) -> str:
    """The figures as Markdown."""
    names = [*(stage for stage, _ in STAGES), REST]
    lines = [
        "| µs of CPU a request | " + " | ".join(found) + " |",
        "| --- " * (1 + len(found)) + "|",
    ]
    for name in names:
        cells = [f"{cost * shared.get(name, 0.0):.0f}" for cost, shared in found.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines.append("| all | " + " | ".join(f"{cost:.0f}" for cost, _ in found.values()) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print; with `--out` also write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--out", type=Path, help="a folder for the table")
    wanted = parser.parse_args()
    install(SPY)
    upstream = [str(build("mock_upstream")), str(UPSTREAM_PORT)]
    logs = HERE / ".build"
    found: dict[str, tuple[float, dict[str, float]]] = {}
    with (
        running(upstream, 1, logs / "upstream.log", {}),
        running(GATEWAY.command, 0, logs / "gateway.log", GATEWAY.environment) as pid,
    ):
        wait_until_served(GATEWAY)
        driven = [suite for suite in SUITES if suite.name in GATEWAY.bodies and not suite.rate]
        for suite in track(driven, "stages"):
            measure(GATEWAY, suite, pid, 1.0)
            found[suite.name] = stages(suite, pid, wanted.seconds)
    text = table(found)
    print(text)
    if wanted.out:
        wanted.out.mkdir(parents=True, exist_ok=True)
        (wanted.out / "stages.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
