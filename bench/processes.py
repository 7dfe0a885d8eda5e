"""Programs under test: built, run on one processor, and looked at in /proc."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent


def build(name: str) -> Path:
    """Compile one of the C programs beside this file, unless that was done already."""
    source, program = HERE / f"{name}.c", HERE / ".build" / name
    program.parent.mkdir(exist_ok=True)
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["gcc", "-O2", "-w", "-o", str(program), str(source)], check=True)
    return program


@contextmanager
def running(
    command: Sequence[str],
    cpu: int,
    log: Path,
    environment: Mapping[str, str],
    folder: Path = ROOT,
) -> Generator[int]:
    """Run a command in a folder, pinned to one processor, in a process group that ends with the block.

    Python may keep what it compiled, whatever it was told here: without, each start compiles 1,200 modules.
    """
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with log.open("w") as out:
        process = subprocess.Popen(
            ["taskset", "-c", str(cpu), *command],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(ROOT), **environment},
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
