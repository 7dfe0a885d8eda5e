"""Metrics of all the workers behind one port: whichever is asked answers for all.

`gateway serve --workers N` shares one port, so a scrape reaches any one of them. prometheus_client's
multi-process mode has each worker keep its values in files of a folder that they share; the answer is
their sum. The folder is named by `PROMETHEUS_MULTIPROC_DIR`, made by the supervisor and removed with it.

Counters of a worker that died stay, as they must; its gauges go, for what was in flight in it is gone.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

MEDIA_TYPE = CONTENT_TYPE_LATEST


@contextmanager
def shared_folder() -> Generator[None]:
    """Let the processes started inside keep their metrics together."""
    with tempfile.TemporaryDirectory(prefix="gateway-metrics-") as folder:
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            os.environ.pop(_FOLDER, None)


def are_several() -> bool:
    """Whether this process is one of several workers that answer for each other."""
    return _FOLDER in os.environ


def exposition(own: CollectorRegistry) -> bytes:
    """The metrics of this process, or of all workers, in Prometheus' text format. Reads files."""
    folder = os.environ.get(_FOLDER)
    processes = CollectorRegistry()
    if folder is None:
        processes.register(_Memory((os.getpid(),)))
        return generate_latest(own) + generate_latest(processes)
    alive: set[int] = set()
    for file in Path(folder).glob("*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if _runs(pid):
            alive.add(pid)
        elif file.name.startswith("gauge_live"):
            file.unlink(missing_ok=True)
    MultiProcessCollector(processes, folder)
    processes.register(_Memory(tuple(alive)))
    return generate_latest(processes)


class _Memory(Collector):
    """What the processes hold in memory together, read when it is asked for; Linux only."""

    def __init__(self, pids: tuple[int, ...]) -> None:
        self._pids = pids

    def collect(self) -> Iterator[GaugeMetricFamily]:
        held = [bytes_ for pid in self._pids if (bytes_ := _resident(pid)) is not None]
        yield GaugeMetricFamily("gateway_workers", "Processes that serve", value=len(self._pids))
        if held:
            told = "Memory that the gateway's processes hold, in bytes"
            yield GaugeMetricFamily("gateway_resident_memory_bytes", told, value=sum(held))


def _resident(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return None
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
