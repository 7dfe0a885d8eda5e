"""What the gateway takes from its start to its first answer, and what it holds in memory then.

    python -m bench.startup                      this checkout
    python -m bench.startup --beside ../before   this one and another, in interleaved rounds

A machine with other work makes wall time drift by a factor of two, so the ratio of two checkouts that took
turns is what counts, and processor time before wall time.  Each round starts `gateway serve` anew on one
processor, with a database that exists already, and asks one turn of it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from bench.processes import ROOT, build, cpu_seconds, running

PORT, UPSTREAM_PORT = 18762, 18761
BODY = ROOT / "bench/bodies/turn.json"
CONFIG = """\
models:
  intermediary: {{backend: vllm, base_url: "http://127.0.0.1:{port}/v1", model: m, context_tokens: 32768}}
tools:
  python: [bench.demo_tools]
"""
STARTS = "from gateway.cli import main; main()"
UNITS = {
    "ready, CPU s": 2,
    "first answer, CPU s": 2,
    "first answer, wall s": 2,
    "idle, MB": 1,
    "answered, MB": 1,
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path, help="another checkout, measured in turn with this")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    checkouts = {"this": ROOT}
    if options.beside:
        checkouts = {"other": options.beside.resolve(), **checkouts}
    rounds: dict[str, list[Mapping[str, float]]] = {name: [] for name in checkouts}
    upstream = [str(build("mock_upstream")), str(UPSTREAM_PORT)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "gateway.yaml").write_text(CONFIG.format(port=UPSTREAM_PORT))
        with running(upstream, 1, folder / "upstream.log", {}):
            for number in range(options.rounds + 1):
                for checkout, root in checkouts.items():
                    figures = start(root, folder, folder / f"{checkout}.db")
                    if number:  # the first round writes the database and Python's caches
                        rounds[checkout].append(figures)
    for unit, digits in UNITS.items():
        medians = [statistics.median(one[unit] for one in found) for found in rounds.values()]
        told = "  ".join(f"{value:8.{digits}f}" for value in medians)
        print(
            f"{unit:22} {told}" + (f"  {medians[-1] / medians[0]:6.2f} x" if options.beside else "")
        )
    return 0


def start(root: Path, folder: Path, database: Path) -> Mapping[str, float]:
    """One start, one request."""
    command = [sys.executable, "-c", STARTS, "serve", "--config", str(folder / "gateway.yaml")]
    environment = {"PYTHONPATH": str(root), "GATEWAY__STORAGE__URL": f"sqlite:///{database}"}
    began = time.monotonic()
    with running([*command, "--port", str(PORT)], 0, folder / "log", environment, root) as pid:
        asked("/readyz")
        ready, idle = cpu_seconds(pid), resident(pid)
        asked("/v1/chat/completions", BODY.read_bytes())
        return {
            "first answer, wall s": time.monotonic() - began,
            "ready, CPU s": ready,
            "first answer, CPU s": cpu_seconds(pid),
            "idle, MB": idle,
            "answered, MB": resident(pid),
        }


def resident(pid: int) -> float:
    """Resident memory in MB, shared pages counted in full: what others map must not make it less."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def asked(path: str, body: bytes | None = None) -> bytes:
    """The answer, as soon as there is one. Raises TimeoutError after a minute."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}", body, {"content-type": "application/json"}
    )
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(path)


if __name__ == "__main__":
    raise SystemExit(main())
